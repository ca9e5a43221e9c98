import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { BatchConn, endpoint, RecvBatch, SendBatch } from '../../src/index.js'
import { compiledProgram } from '../support/compiled.js'

// Signals during a receive: each datagram is received once and in order, whatever call a signal interrupts.

const TOTAL = 3000
const PER_ROUND = 100

interface Report {
  readonly received: number
  readonly isExact: boolean
  /** Number of waits that a signal interrupted. */
  readonly interrupted: number
  readonly signals: number
  readonly exits: number
}

/** Sends everything to the child, a hundred messages at a time, with signals in between. */
async function run(mode: string, flags: string[], disturb: (child: ChildProcess) => void): Promise<Report> {
  const { NODE_OPTIONS: _, ...env } = process.env
  const args = [...flags, compiledProgram('faults-signals'), mode, `${TOTAL}`]
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] })
  const timer = setTimeout(() => child.kill('SIGKILL'), 18_000)
  try {
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    const { value: port } = await lines.next()
    using sender = BatchConn.open().connect(endpoint({ address: '127.0.0.1', port: Number(port) }))
    const out = new SendBatch({ capacity: PER_ROUND })
    const inbox = new RecvBatch()
    for (let first = 0; first < TOTAL; first += PER_ROUND) {
      out.clear()
      // No message is in flight: the child will wait, and wait again. poll(2) returns a message rather than EINTR.
      await untilAsleep(child)
      disturb(child)
      await untilAsleep(child)
      for (let index = 0; index < PER_ROUND; index += 1) {
        out.append(`${first + index}`)
        if (index % 10 === 9) {
          await sender.sendAll(out)
          disturb(child)
        }
      }
      await sender.sendAll(out)
      // The child replies to each hundredth message.
      await sender.readable({ signal: AbortSignal.timeout(15_000) })
      sender.recv(inbox)
    }
    const { value: report } = await lines.next()
    return JSON.parse(report) as Report
  } finally {
    clearTimeout(timer)
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
  }
}

/** Waits until the main thread of a process sleeps (proc(5)); on a busy machine that can take long. */
async function untilAsleep({ pid }: ChildProcess): Promise<void> {
  do await sleep(2)
  while (!/\) S /.test(readFileSync(`/proc/${pid}/stat`, 'utf8')))
}

t.test('SIGUSR2 while the thread blocks in recvBlocking: every datagram is received once', async (t) => {
  const { received, isExact, interrupted } = await run('blocking', [], (child) => child.kill('SIGUSR2'))
  t.strictSame({ received, isExact }, { received: TOTAL, isExact: true })
  t.ok(interrupted > 0, `${interrupted} waits were interrupted`)
})

t.test('SIGUSR2 while the event loop receives: every datagram is received once', async (t) => {
  const { received, isExact, signals } = await run('events', [], (child) => child.kill('SIGUSR2'))
  t.strictSame({ received, isExact }, { received: TOTAL, isExact: true })
  t.ok(signals > 0, `${signals} signals were handled meanwhile`)
})

t.test('SIGCHLD while the thread blocks in recvBlocking: every datagram is received once', async (t) => {
  const { received, isExact, exits } = await run('children', [], () => {})
  t.strictSame({ received, isExact }, { received: TOTAL, isExact: true })
  t.ok(exits > 0, `${exits} child processes ended meanwhile`)
})

for (const mode of ['blocking', 'events']) {
  t.test(`SIGPROF, ${mode} under node --cpu-prof: every datagram is received once`, async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'batchconn-profile-'))
    t.teardown(() => rmSync(directory, { recursive: true }))
    const flags = ['--cpu-prof', '--cpu-prof-interval=100', `--cpu-prof-dir=${directory}`]
    const { received, isExact } = await run(mode, flags, () => {})
    t.strictSame({ received, isExact }, { received: TOTAL, isExact: true })
  })
}
