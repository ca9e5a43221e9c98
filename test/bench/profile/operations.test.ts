import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Work } from '../../../bench/profile/cases/cases.js'
import { receiveOperation } from '../../../bench/profile/operations/operations.js'
import { compiledPackage } from '../../support/compiled.js'
import { missing } from '../support.js'

t.setTimeout(120_000)

const skip = missing('strace', '-f', '-o', '/dev/null', 'true')

/** Runs an operation five times under strace, and returns the lines of its system calls. */
function trace(t: Test, work: Work): string[] {
  const file = join(t.testdir(), 'trace')
  const program = `
    const { openOperation } = require(${JSON.stringify(join(compiledPackage(), 'bench/profile/operations/operations.js'))})
    const operation = openOperation(${JSON.stringify(work)}, { address: '127.0.0.1', port: 9 })
    operation.ready?.(1)
    process.stderr.write('begin')
    const short = operation.run(5)
    process.stderr.write('end')
    if (short !== 0) throw new Error(String(short))`
  const calls = 'trace=sendmsg,sendmmsg,recvmsg,recvmmsg,write'
  const words = ['--unset=NODE_OPTIONS', 'strace', '-f', '-e', calls, '-o', file, process.execPath, '-e', program]
  const { status, stderr } = spawnSync('env', words, { encoding: 'utf8' })
  t.equal(status, 0, stderr)
  const text = readFileSync(file, 'utf8')
  const during = text.slice(text.indexOf('"begin"'), text.indexOf('"end"'))
  return during.split('\n').filter((line) => /(send|recv)m?msg\(/.test(line))
}

const send = { kind: 'call', repeat: 1, sizeBytes: 100, connected: false } as const

t.test('entry: the call for no messages', { skip }, async (t) => {
  for (const name of ['sendmsg', 'sendmmsg'] as const) {
    const lines = trace(t, { ...send, depth: 'entry', mode: name, batch: name === 'sendmsg' ? 1 : 8 })
    t.equal(lines.length, 5, name)
    for (const line of lines) t.match(line, /sendmmsg\(\d+, .*, 0, [A-Z_|]+\) = 0/, name)
  }
})

t.test('probe: MSG_PROBE and MSG_CONFIRM with empty messages', { skip }, async (t) => {
  const many = trace(t, { ...send, sizeBytes: 0, depth: 'probe', mode: 'sendmmsg', batch: 8 })
  t.equal(many.length, 5)
  for (const line of many) t.match(line, /sendmmsg\(\d+, .*iov_len=0.*, 8, .*MSG_PROBE.*MSG_CONFIRM.*\) = 8/)
  const single = trace(t, { ...send, sizeBytes: 0, depth: 'probe', mode: 'sendmsg', batch: 1 })
  t.equal(single.length, 5)
  for (const line of single) t.match(line, /sendmsg\(\d+, .*iov_len=0.*, .*MSG_PROBE.*MSG_CONFIRM.*\) = 0/)
})

t.test('crossing and pretend make no system call', { skip }, async (t) => {
  for (const depth of ['none', 'pretend', 'crossing'] as const) {
    t.strictSame(trace(t, { ...send, depth, mode: 'sendmmsg', batch: 8 }), [], depth)
  }
})

t.test('kernel: sendmmsg even for one message', { skip }, async (t) => {
  const lines = trace(t, { ...send, depth: 'kernel', mode: 'sendmmsg', batch: 1 })
  t.equal(lines.length, 5)
  for (const line of lines) t.match(line, /sendmmsg\(\d+, .*, 1, .*\) = 1/)
})

const receive = {
  kind: 'call',
  depth: 'kernel',
  mode: 'recvmmsg',
  connected: false,
  batch: 8,
  repeat: 1,
  sizeBytes: 700,
} as const

t.test('a small receive buffer: as many at once as fit, and none is missing', async (t) => {
  for (const sizeBytes of [0, 1, 350, 700, 1400, 1472]) {
    const operation = receiveOperation({ ...receive, sizeBytes }, 106_496)
    const count = operation.mostAtOnce ?? 0
    t.ok(count >= 1 && count < 512, `${count} batches of ${sizeBytes} bytes`)
    for (const _ of [1, 2, 3]) {
      operation.ready?.(count)
      t.equal(operation.run(count), 0, `${sizeBytes} bytes`)
    }
  }
})

t.test('a receive buffer that holds no batch is an error that says what to change', async (t) => {
  t.throws(() => receiveOperation({ ...receive, batch: 1024, sizeBytes: 1400 }, 106_496), /rmem_max/)
})
