import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'

// strace counts the system calls from outside the process.

const PROGRAM = join(__dirname, '../support/programs/send-and-receive.ts')
const hasStrace = spawnSync('strace', ['-V']).status === 0

t.test('100 batches of 64 are 100 sendmmsg and 100 recvmmsg', { skip: hasStrace ? false : 'needs strace' }, (t) => {
  const table: [batch: number, expected: Record<string, number>][] = [
    [64, { sendmmsg: 100, recvmmsg: 100, sendmsg: 0, recvmsg: 0 }],
    [1, { sendmmsg: 0, recvmmsg: 0, sendmsg: 100, recvmsg: 100 }],
  ]
  // A file per run: node makes its end of a shared stderr pipe non-blocking, and strace then loses lines.
  const folder = mkdtempSync(join(tmpdir(), 'batchconn-strace-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const trace = join(folder, 'trace')
  for (const [batch, expected] of table) {
    const traced = spawnSync(
      'strace',
      [
        '-f',
        '-o',
        trace,
        '-e',
        'trace=sendmsg,sendmmsg,recvmsg,recvmmsg,sendto,recvfrom',
        process.execPath,
        ...process.execArgv,
      ].concat([PROGRAM, '100', String(batch)]),
      { encoding: 'utf8', maxBuffer: 1 << 26 },
    )
    t.equal(traced.status, 0)
    t.equal(traced.stdout.trim(), String(100 * batch), 'all arrived')
    // Calls on Unix sockets are the runtime's own. The calls of a batch have an Internet address or none.
    const calls = readFileSync(trace, 'utf8')
      .split('\n')
      .filter((line) => /sin_port|recvm?msg/.test(line))
    for (const [name, count] of Object.entries(expected)) {
      t.equal(
        calls.filter((line) => line.includes(` ${name}(`) || line.startsWith(`${name}(`)).length,
        count,
        `${batch}: ${name}`,
      )
    }
  }
  t.end()
})
