import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import t from 'tap'
import { compiledPackage } from '../support/compiled.js'

t.setTimeout(240_000)

const PROGRAM = join(compiledPackage(), 'test', 'soak.js')

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

/** Violations in a report. */
function violations({ stdout }: Ended): string[] {
  return stdout.split('\n').flatMap((line) => (line.startsWith('VIOLATION: ') ? [line.slice(11)] : []))
}

t.test('a few seconds of all flows and faults cause no violation', async (t) => {
  const ended = await soak(['--minutes', '0.08', '--seed', '1'])
  t.strictSame(violations(ended), [])
  t.equal(ended.status, 0, ended.stderr)
  t.match(ended.stdout, /soak \(.* seed 1\): every datagram is accounted for; \d{4,} datagrams/)
  if (process.getuid?.() !== 0) t.match(ended.stderr, /left out: no traffic between network namespaces/)
})

t.test('an interrupted soak reports the statistics until the interruption', async (t) => {
  const ended = await soak(['--minutes', '1', '--no-namespaces'], /traffic has started/)
  t.match(ended.stdout, /soak \(interrupted after \d+\.\d s/)
  t.equal(ended.status, 0, ended.stderr)
})

const INJECT = ['--no-faults', '--no-namespaces', '--families', 'ipv4', '--inject']

t.test('each injected fault of a single datagram is found, and no other violation', async (t) => {
  const faults = ['lost-datagram', 'lost-callback', 'duplicate', 'corrupt', 'reorder']
  const ended = await soak(['--minutes', '0.015', ...INJECT, ...faults])
  t.equal(ended.status, 1, ended.stderr)
  const expected = [
    /^socket 'pair waiting ipv4': received datagram \d+ of flow \d+ twice$/,
    /^flow \d+ from 'pair callback ipv4' to 'pair waiting ipv4': 1 duplicates$/,
    /^socket 'pair callback ipv4': received datagram \d+ of flow \d+ out of order$/,
    /^flow \d+ from 'pair waiting ipv4' to 'pair callback ipv4': 1 datagrams out of order$/,
    /^socket 'vanishing ipv4': received a corrupt datagram: checksum of datagram \d+ of flow \d+ does not match$/,
    /^flow \d+ from 'knocking ipv4' to 'vanishing ipv4': 1 corrupt datagrams$/,
    /^flow \d+ from 'knocking ipv4' to 'vanishing ipv4': 1 datagrams are missing \(accepted \d+, .*, dropped 0\)$/,
    /^flow \d+ from 'callback ipv4' to '.*': 1 datagrams are missing \(accepted \d+, .*, dropped 0\)$/,
    /^flow \d+ from 'drop-in ipv4' to '.*': 1 send callbacks were never called$/,
    /^flow \d+ from 'drop-in ipv4' to '.*': 1 datagrams too many arrived \(accepted \d+, .*, dropped 0\)$/,
  ]
  const found = violations(ended)
  t.equal(found.length, expected.length, found.join('\n'))
  for (const pattern of expected)
    t.ok(
      found.some((text) => pattern.test(text)),
      String(pattern),
    )
})

t.test('injected leaks of memory and of descriptors are found', async (t) => {
  const ended = await soak(['--minutes', '0.07', ...INJECT, 'memory-leak', 'descriptor-leak'])
  t.equal(ended.status, 1, ended.stderr)
  const found = violations(ended).join('\n')
  t.match(found, /^process loopback: \d+ descriptors at the end, and \d+ at the start: socket:\[\d+\]/m)
  t.match(
    found,
    /^process loopback: arrayBuffers grew by at least [\d.]+ MiB in \d+ s \(99 % confidence\), and 3.00 MiB/m,
  )
  t.notMatch(found, /^(flow|network|socket|process no GSO)/m)
})

t.test('invalid command lines are rejected', async (t) => {
  for (const [words, message] of [
    [['--minutes', '0'], /--minutes must be a number above 0/],
    [['--minuts', '1'], /Unknown argument: minuts/],
    [['--inject', 'roses'], /Invalid values/],
  ] as const) {
    const { status, stderr } = await soak(words)
    t.equal(status, 1)
    t.match(stderr, message)
  }
})
