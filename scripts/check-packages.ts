import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { parseArgs, stripVTControlCharacters } from 'node:util'

const HELP = `Runs the test suites of npm packages that use UDP, with and without batchconn/register.

Usage: npx ts-node scripts/check-packages.ts [options]

  --only NAME   run this package only; can be repeated
  --node PATH   run the suites with this Node.js executable (default: the one that runs this script)
  --repeat N    run each suite N times in both ways, and add up the results (default 1)
  --help        print this text

Each package is installed at a fixed version in a temporary directory. A package that is published without its tests
gets them from its public Git repository, at the commit of that version. Suites run in a network namespace of their
own, without a route to other hosts. This requires Linux, and root or user namespaces.

Exit status 1 if, with register, fewer tests pass or more tests fail in any package, if none of a package's sockets
batch, or if no test passes at all.
`

/** A package and how its own tests are run. */
interface Suite {
  readonly version: string
  /** The repository that has the tests, if the published package does not contain them. */
  readonly tests?: { readonly repository: string; readonly commit: string; readonly paths: readonly string[] }
  /** What the tests import, at exact versions. */
  readonly needs: Readonly<Record<string, string>>
  /** A shell command, run in the package's directory with the executables of `needs` in PATH. */
  readonly command: string
  readonly reporter: keyof typeof REPORTERS
}

const SUITES: Readonly<Record<string, Suite>> = {
  'node-ssdp': {
    version: '4.0.1',
    tests: { repository: 'https://github.com/diversario/node-ssdp', commit: 'v4.0.1', paths: ['test'] },
    needs: { mocha: '5.2.0', chai: '4.1.2', sinon: '4.5.0' },
    command: 'mocha --exit --recursive test',
    reporter: 'mocha',
  },
  // Its tests of Unix sockets require unix-dgram, which is native code; 20 of them do not have uds in their title.
  'hot-shots': {
    version: '17.0.1',
    tests: { repository: 'https://github.com/bdeitte/hot-shots', commit: 'v17.0.1', paths: ['test'] },
    needs: { mocha: '11.7.5', sinon: '19.0.5' },
    command:
      'mocha -R spec --exit --timeout 5000 --grep uds --invert --ignore test/typescript-compilation.js test/*.js',
    reporter: 'mocha',
  },
  // One test requires a public DNS-over-HTTPS server.
  dns2: {
    version: '3.0.0',
    tests: { repository: 'https://github.com/lsongdev/node-dns', commit: 'v3.0.0', paths: ['test'] },
    needs: {},
    command: eachFile('test/*.js'),
    reporter: 'marks',
  },
  'node-osc': {
    version: '11.7.0',
    tests: { repository: 'https://github.com/MylesBorins/node-osc', commit: 'v11.7.0', paths: ['test'] },
    needs: { tap: '21.8.0' },
    // test-types.mjs and test-bundle.mjs are about the package's files.
    command: eachFile('test/test-[!bt]*.mjs'),
    reporter: 'tap',
  },
  utp: { version: '0.0.10', needs: {}, command: 'node tests', reporter: 'marks' },
  bonjour: {
    version: '3.5.1',
    needs: { tape: '4.17.0', 'after-all': '2.0.2' },
    command: 'tape test/*.js',
    reporter: 'tap',
  },
  'bonjour-service': {
    version: '1.3.0',
    tests: { repository: 'https://github.com/onlxltd/bonjour-service', commit: '1.3.0', paths: ['test'] },
    needs: { tape: '5.9.0', 'after-all': '2.0.2' },
    command: 'tape test/*.js',
    reporter: 'tap',
  },
  'node-statsd': {
    version: '0.1.1',
    tests: { repository: 'https://github.com/sivy/node-statsd', commit: 'f9fac42', paths: ['test'] },
    needs: { mocha: '10.8.2' },
    command: 'mocha -R spec --exit',
    reporter: 'mocha',
  },
  lynx: {
    version: '0.2.0',
    needs: { tap: '0.3.3' },
    command: eachFile('tests/*-test.js'),
    reporter: 'tap',
  },
  // EphemeralSocket requires a datagram within 20 ms. The first one of a process can take longer with register.
  'statsd-client': {
    version: '0.4.7',
    tests: { repository: 'https://github.com/msiebuhr/node-statsd-client', commit: 'v0.4.7', paths: ['test'] },
    needs: { mocha: '10.8.2', chai: '1.3.0', sinon: '1.17.7', express: '4.21.2', supertest: '1.2.0' },
    command: 'mocha -R spec --exit --timeout 10000',
    reporter: 'mocha',
  },
  'net-snmp': {
    version: '3.26.3',
    tests: { repository: 'https://github.com/markabrahams/node-net-snmp', commit: '3.26.3', paths: ['test'] },
    needs: { mocha: '11.7.5' },
    command: 'node --openssl-legacy-provider ../node_modules/mocha/bin/mocha.js --exit',
    reporter: 'mocha',
  },
  'winston-syslog': {
    version: '2.7.1',
    needs: { vows: '0.8.3', winston: '3.19.0', sinon: '15.2.0' },
    // unix-connect-test.js requires unix-dgram, which is native code.
    command: 'vows test/[!u]*-test.js --spec',
    reporter: 'vows',
  },
  // One test looks up example.com.
  'k-rpc-socket': {
    version: '1.11.1',
    tests: { repository: 'https://github.com/mafintosh/k-rpc-socket', commit: 'v1.11.1', paths: ['test.js'] },
    needs: { tape: '4.17.0' },
    command: 'tape test.js',
    reporter: 'tap',
  },
  'gelf-pro': {
    version: '1.4.0',
    tests: { repository: 'https://github.com/kkamkou/node-gelf-pro', commit: '1.4.0', paths: ['test'] },
    needs: { mocha: '3.5.3', should: '13.2.3', sinon: '3.3.0' },
    command: '_mocha -R spec',
    reporter: 'mocha',
  },
  'syslog-client': {
    version: '1.1.1',
    needs: { mocha: '3.5.3', chai: '3.5.0', bluebird: '3.7.2' },
    command: '_mocha --reporter spec',
    reporter: 'mocha',
  },
  statsd: {
    version: '0.9.0',
    needs: { nodeunit: '0.11.3', underscore: '1.4.4', temp: '0.4.0' },
    // graphite_pickle_tests.js fails now and then, with node:dgram too, and ends the run.
    command: 'rm -f test/graphite_pickle_tests.js; node run_tests.js',
    reporter: 'marks',
  },
}

/** A command that runs each of some files with node, for at most 20 s, and fails if one fails. */
function eachFile(pattern: string): string {
  return `status=0; for file in ${pattern}; do timeout 20 node $file || status=1; done; exit $status`
}

/**
 * Patterns per report format: of the lines with the number of passed tests, and of those with the number of failed
 * ones.
 */
const REPORTERS = {
  ava: [/(\d+) tests? passed/g, /(\d+) tests? failed/g],
  jest: [/^Tests:.*?(\d+) passed/gm, /^Tests:.*?(\d+) failed/gm],
  marks: [/✔|\[ok\]/g, /✘|✖|\[err\]/g],
  mocha: [/^\s*(\d+) passing/gm, /^\s*(\d+) failing/gm],
  'node:test': [/^(?:#|ℹ) pass (\d+)/gm, /^(?:#|ℹ) fail (\d+)/gm],
  tap: [/^ *ok \d+/gm, /^ *not ok \d+/gm],
  vows: [/(\d+) honored/g, /(\d+) (?:broken|errored)/g],
} satisfies Record<string, readonly [RegExp, RegExp]>

/** Result of one suite, or the sum of several runs. */
interface Result {
  readonly passed: number
  readonly failed: number
  /** Number of sockets that the processes of the suite created, and how many of them batch. */
  readonly sockets: number
  readonly batching: number
  readonly output: string
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', multiple: true, default: Object.keys(SUITES) },
      node: { type: 'string', default: process.execPath },
      repeat: { type: 'string', default: '1' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    console.log(HELP)
    return 0
  }
  const unknown = values.only.find((name) => SUITES[name] === undefined)
  if (unknown !== undefined) {
    throw new Error(`--only must be one of ${Object.keys(SUITES).join(', ')}; received ${unknown}`)
  }
  const repeat = Number(values.repeat)
  if (!Number.isInteger(repeat) || repeat < 1) {
    throw new Error(`--repeat must be an integer of at least 1; received ${values.repeat}`)
  }
  run('npm', ['run', 'build'], ROOT)
  const directory = mkdtempSync(join(tmpdir(), 'batchconn-packages-'))
  process.once('exit', () => {
    stopSuite?.()
    rmSync(directory, { recursive: true, force: true })
  })
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => process.exit(1))
  return checkAll(values.only, directory, realpathSync(values.node), repeat)
}

/** Checks each package in turn and prints a line about it. @returns the exit status */
async function checkAll(names: readonly string[], directory: string, node: string, repeat: number): Promise<number> {
  let status = 0
  console.log(`Node.js ${run(node, ['--version'], ROOT).trim()}; passed/failed`)
  for (const name of names) {
    const folder = install(name, SUITES[name], directory)
    const plain: Result[] = []
    const registered: Result[] = []
    for (let round = 0; round < repeat; round += 1) {
      plain.push(await runSuite(SUITES[name], folder, node, false))
      registered.push(await runSuite(SUITES[name], folder, node, true))
    }
    if (!report(name, sum(plain), sum(registered))) status = 1
  }
  return status
}

/** Prints the line of a package. @returns false if it does worse with register */
function report(name: string, plain: Result, registered: Result): boolean {
  const isWorse = registered.passed < plain.passed || registered.failed > plain.failed
  const isEmpty = plain.passed === 0
  // A suite that creates no sockets replaces createSocket.
  const isInactive = registered.sockets > 0 && registered.batching === 0
  const verdict = isWorse ? 'WORSE' : isEmpty ? 'NO TEST PASSED' : isInactive ? 'NOT BATCHING' : 'ok'
  const counts = `plain ${plain.passed}/${plain.failed}, register ${registered.passed}/${registered.failed}`
  const sockets = `${registered.batching} of ${registered.sockets} sockets batch`
  console.log(`${verdict} ${name}@${SUITES[name].version}: ${counts} (${sockets})`)
  if (isWorse) console.log(indent(registered.output))
  else if (isEmpty) console.log(indent(plain.output))
  return verdict === 'ok'
}

/**
 * Installs a package with its tests.
 *
 * @returns the package's folder, outside of node_modules, because test runners skip files in there
 */
function install(name: string, { version, needs, tests }: Suite, directory: string): string {
  const root = join(directory, name)
  mkdirSync(root)
  const dependencies = { ...needs, [name]: version }
  writeFileSync(join(root, 'package.json'), JSON.stringify({ private: true, dependencies }))
  run('npm', ['install', '--ignore-scripts', '--omit=optional', '--legacy-peer-deps', '--no-audit', '--no-fund'], root)
  const folder = join(root, 'package')
  renameSync(join(root, 'node_modules', name), folder)
  symlinkSync(folder, join(root, 'node_modules', name))
  if (tests !== undefined) {
    const clone = join(root, 'repository')
    run('git', ['clone', '--quiet', tests.repository, clone], root)
    run('git', ['checkout', '--quiet', tests.commit], clone)
    for (const path of tests.paths) cpSync(join(clone, path), join(folder, path), { recursive: true })
  }
  return folder
}

/** Runs the tests of a package once. */
async function runSuite(suite: Suite, folder: string, node: string, isRegistered: boolean): Promise<Result> {
  // A new file per run: processes of an earlier run that was killed may still write to theirs.
  runs += 1
  const record = join(folder, '..', `sockets-${runs}.txt`)
  const counter = join(folder, '..', 'count-sockets.cjs')
  writeFileSync(record, '')
  writeFileSync(counter, COUNT_SOCKETS)
  const preloaded = [...(isRegistered ? [REGISTER] : []), counter]
  const path = [join(folder, '..', 'node_modules', '.bin'), dirname(node), process.env.PATH].join(delimiter)
  const child = spawn('unshare', [...NAMESPACE, 'sh', '-c', [...NETWORK, suite.command].join(' && ')], {
    cwd: folder,
    detached: true,
    env: {
      ...process.env,
      PATH: path,
      CHECK_PACKAGES_RECORD: record,
      NODE_OPTIONS: preloaded.map((file) => `--require ${JSON.stringify(file)}`).join(' '),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const chunks: Buffer[] = []
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => chunks.push(chunk))
  // The group, since a runner's own children hold the pipes open.
  stopSuite = () => {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
  }
  const timer = setTimeout(stopSuite, SUITE_TIMEOUT_MS)
  const [code, signal] = await once(child, 'close')
  clearTimeout(timer)
  stopSuite = undefined
  const output = stripVTControlCharacters(Buffer.concat(chunks).toString())
  const [passed, failed] = REPORTERS[suite.reporter].map((pattern) => count(output, pattern))
  const batches = readFileSync(record, 'utf8').trim().split('\n').filter(Boolean)
  return {
    passed,
    failed: failed === 0 && code !== 0 ? 1 : failed,
    sockets: batches.length,
    batching: batches.filter((state) => state === 'on').length,
    output: `${output}\nended with ${code ?? signal}`,
  }
}

/** Adds up the numbers in a pattern's matches, or the matches if the pattern has no number. */
function count(output: string, pattern: RegExp): number {
  return [...output.matchAll(pattern)].reduce((total, [, number]) => total + Number(number ?? 1), 0)
}

function sum(results: readonly Result[]): Result {
  const total = (key: 'passed' | 'failed' | 'sockets' | 'batching') => results.reduce((all, one) => all + one[key], 0)
  return {
    passed: total('passed'),
    failed: total('failed'),
    sockets: total('sockets'),
    batching: total('batching'),
    output: results.map(({ output }) => output).join('\n'),
  }
}

/** Runs a command that must succeed. @returns its standard output */
function run(command: string, args: readonly string[], cwd: string): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8', env: ENVIRONMENT })
  if (error !== undefined) throw error
  if (status !== 0) throw new Error(`${[command, ...args].join(' ')} ended with ${status}: ${stdout}${stderr}`)
  return stdout
}

function indent(text: string): string {
  return text.trimEnd().replace(/^/gm, '    ')
}

const ROOT = dirname(__dirname)
const REGISTER = join(ROOT, 'dist', 'dgram', 'register.js')

let runs = 0
let stopSuite: (() => void) | undefined

const SUITE_TIMEOUT_MS = 180_000

const { NODE_OPTIONS: _, ...ENVIRONMENT } = process.env

const NAMESPACE = process.getuid?.() === 0 ? ['--net'] : ['--user', '--map-root-user', '--net']

/**
 * mDNS and SSDP packages ignore the loopback interface, so the namespace has a pair of interfaces that are connected to
 * each other only. Without the routes the kernel rejects multicast and broadcast (ENETUNREACH).
 */
const NETWORK = [
  'ip link set lo up',
  'ip link add udp0 type veth peer name udp1',
  'ip link set udp0 up',
  'ip link set udp1 up',
  'ip address add 192.0.2.1/24 dev udp0',
  'ip route add 224.0.0.0/4 dev udp0',
  'ip route add 255.255.255.255 dev udp0',
]

/**
 * Preloaded in both runs: records at exit, for each socket, whether it batches. Node publishes each socket that it
 * constructs.
 */
const COUNT_SOCKETS = `
const sockets = []
require('node:diagnostics_channel').subscribe('udp.socket', ({ socket }) => sockets.push(socket))
process.on('exit', () => {
  const lines = sockets.map((socket) => (socket.batching === undefined ? 'none' : socket.batching.available ? 'on' : 'off') + '\\n')
  require('node:fs').appendFileSync(process.env.CHECK_PACKAGES_RECORD, lines.join(''))
})
`

main().then((status) => {
  process.exitCode = status
})
