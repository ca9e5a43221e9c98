import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import t from 'tap'
import { DROP_IN, runJob } from './packages/run-job.js'

// Unmodified UDP packages with the drop-in in place of dgram. Each must do its job; the same job with node:dgram shows
// that the test is right.

interface Job {
  readonly program: string
  /** The package that must import the module under test. */
  readonly importer: string
  readonly events: readonly (readonly [event: string, value: unknown])[]
}

const OK = '2.05'

const jobs: Readonly<Record<string, Job>> = {
  'multicast-dns': {
    program: 'mdns.cjs',
    importer: 'multicast-dns',
    events: [
      ['address', [{ name: 'printer.local', type: 'A', ttl: 120, class: 'IN', flush: false, data: '192.0.2.10' }]],
      [
        'service',
        {
          answers: [{ type: 'PTR', data: 'Office._printer._udp.local' }],
          additionals: [{ type: 'SRV', data: { port: 631 } }],
        },
      ],
      ['from', { from: '127.0.0.1', family: 'IPv4' }],
      ['fifty', true],
      ['closed', true],
    ],
  },
  coap: {
    program: 'coap.cjs',
    importer: 'coap',
    events: [
      ['get', { code: OK, body: 'hello coap' }],
      ['post', { code: '2.01', body: 'kept' }],
      ['get what was posted', { code: OK, body: 'kept' }],
      ['unconfirmed', { code: OK, body: 'hello non' }],
      ['not there', { code: '4.04', body: '' }],
      ['blocks down', { code: OK, body: true }],
      ['blocks up', { code: OK, body: '20000' }],
      ['at once', Array.from({ length: 30 }, () => true)],
      ['observed', ['tick 1', 'tick 2', 'tick 3', 'no more']],
      ['closed', true],
    ],
  },
  'bittorrent-dht': {
    program: 'dht.mjs',
    importer: 'k-rpc-socket',
    events: [
      ['nodes know others', true],
      ['peer', { port: 6881, host: '127.0.0.1', torrent: true }],
      ['value', 'something to keep'],
      ['closed', true],
    ],
  },
}

const hasDropIn = existsSync(DROP_IN)

for (const [name, { program, importer, events }] of Object.entries(jobs)) {
  for (const module of ['node:dgram', 'the drop-in'] as const) {
    t.test(`${name} does its job with ${module}`, { skip: reasonToSkip(name, module) }, async (t) => {
      const end = await runJob(join(__dirname, 'packages/jobs', program), module)
      t.equal(end.code, 0, end.stderr || 'the process ends by itself')
      t.match(lines(end.stdout), events)
      t.equal(lines(end.stdout).length, events.length)
      t.ok(end.importers.includes(importer), `${importer} imported it`)
    })
  }
}

// Packages whose tarball contains their tests.
const suites: Readonly<Record<string, string>> = { 'multicast-dns': 'multicast-dns', 'k-rpc': 'k-rpc-socket' }

for (const [name, importer] of Object.entries(suites)) {
  for (const module of ['node:dgram', 'the drop-in'] as const) {
    t.test(`the tests of ${name} with ${module}`, { skip: reasonToSkip(name, module, 'tape') }, async (t) => {
      const end = await runJob(find(`${name}/test.js`) as string, module)
      t.equal(end.code, 0, end.stderr || 'the process ends by itself')
      t.match(end.stdout, /^# pass {2}\d\d/m)
      t.notMatch(end.stdout, /^not ok/m)
      t.ok(end.importers.includes(importer), `${importer} imported it`)
    })
  }
}

function lines(stdout: string): unknown[] {
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
}

function reasonToSkip(name: string, module: string, ...alsoNeeded: string[]): string | false {
  for (const needed of [name, ...alsoNeeded]) {
    if (find(`${needed}/package.json`) === undefined) return `${needed} is not installed`
  }
  return module === 'the drop-in' && !hasDropIn && 'there is no src/dgram yet'
}

/** Path of a file of an installed package. */
function find(path: string): string | undefined {
  const folders = createRequire(__filename).resolve.paths(path) ?? []
  return folders.map((folder) => join(folder, path)).find((candidate) => existsSync(candidate))
}
