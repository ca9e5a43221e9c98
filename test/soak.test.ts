import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import t from 'tap'
import { compiledSoak } from './soak/control/compiled.js'

t.setTimeout(240_000)
// Most of a short run is waiting.
t.jobs = 3

const PROGRAM = join(compiledSoak(), '..', '..', 'soak.js')

interface Ended {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

async function soak(words: readonly string[], interruptAt?: RegExp): Promise<Ended> {
  const child = spawn('env', ['--unset=NODE_OPTIONS', process.execPath, PROGRAM, ...words])
  const output = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text) => {
    output.stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text) => {
    output.stderr += text
    if (interruptAt?.test(output.stderr)) child.kill('SIGINT')
  })
  const [status] = await once(child, 'close')
  return { status, ...output }
}

/** The violations that a report has. */
function violations({ stdout }: Ended): string[] {
  return stdout.split('\n').filter((line) => line.startsWith('VIOLATION: '))
}

t.test('a few seconds of all flows and faults', { buffered: true }, async (t) => {
  const ended = await soak(['--minutes', '0.08', '--seed', '1'])
  t.strictSame(violations(ended), [])
  t.equal(ended.status, 0, ended.stderr)
  t.match(ended.stdout, /soak \(.* seed 1\): every datagram is accounted for; \d{4,} datagrams/)
  if (process.getuid?.() !== 0) t.match(ended.stderr, /left out: no traffic between network namespaces/)
})

t.test('interrupted: the account of what there was until then', { buffered: true }, async (t) => {
  const ended = await soak(['--minutes', '1', '--no-namespaces'], /traffic has started/)
  t.match(ended.stdout, /soak \(interrupted after \d+\.\d s/)
  t.equal(ended.status, 0, ended.stderr)
})

const PLANTED: Record<string, RegExp> = {
  'lost-datagram':
    /: flow \d+ from '.*' to '.*': 1 datagrams are missing \(accepted \d+, .* delivered \d+, dropped 0\)$/,
  'lost-callback': /: flow \d+ from 'drop-in ipv4' to '.*': 1 send callbacks were never called$/,
  duplicate: /: socket '.*': received datagram \d+ of flow \d+ twice$/,
  corrupt: /: socket '.*': received a corrupt datagram: checksum of datagram \d+ of flow \d+ does not match$/,
  reorder: /: socket '.*': received datagram \d+ of flow \d+ out of order$/,
  'descriptor-leak': /: process loopback: \d+ descriptors at the end, and \d+ at the start: socket:\[\d+\]/,
  'memory-leak': /: process loopback: arrayBuffers grew by at least [\d.]+ MiB in \d+ s \(99 % confidence\)/,
}

for (const [plant, message] of Object.entries(PLANTED)) {
  t.test(`planted, ${plant}: found`, { buffered: true }, async (t) => {
    const minutes = plant === 'memory-leak' ? '0.08' : '0.015'
    const ended = await soak([
      '--minutes',
      minutes,
      '--no-faults',
      '--no-namespaces',
      '--families',
      'ipv4',
      '--plant',
      plant,
    ])
    t.equal(ended.status, 1, ended.stderr)
    const found = violations(ended)
    t.ok(
      found.some((line) => message.test(line)),
      found.join('\n') || 'no violation',
    )
  })
}

t.test('mistakes in the command line', { buffered: true }, async (t) => {
  for (const [words, message] of [
    [['--minutes', '0'], /--minutes must be a number above 0/],
    [['--minuts', '1'], /Unknown argument: minuts/],
    [['--plant', 'roses'], /Invalid values/],
  ] as const) {
    const { status, stderr } = await soak(words)
    t.equal(status, 1)
    t.match(stderr, message)
  }
})
