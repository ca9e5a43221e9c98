import { spawn } from 'node:child_process'
import { type Endpoint, RecvBatch } from '../../../src/index.js'
import { EINTR } from '../../../src/libc/constants.js'
import { libc } from '../../../src/libc/libc.js'
import { boundSocket } from '../sockets.js'
import { sendText } from './faults-send.js'

// faults-signals blocking|events|children TOTAL: prints its port, receives TOTAL numbered datagrams by blocking calls
// or on the event loop, and replies to each hundredth. Signals arrive meanwhile. Prints as JSON what it received.

const [mode, totalText] = process.argv.slice(2)
const total = Number(totalText)
const receiver = boundSocket()
const numbers: number[] = []
let signals = 0
let interrupted = 0
let started = 0
let exits = 0
for (const signal of ['SIGUSR2', 'SIGCHLD'] as const) {
  process.on(signal, () => {
    signals += 1
  })
}

// Number of waits that a signal interrupted.
const native = libc()
const { poll } = native
Object.assign(native, {
  poll: (descriptors: number, count: number, timeoutMs: number) => {
    const result = poll(descriptors, count, timeoutMs)
    if (result < 0 && native.errno[0] === EINTR) interrupted += 1
    return result
  },
})

function take(batch: RecvBatch): void {
  let last: Endpoint | undefined
  for (const { bytes, source } of batch) {
    numbers.push(Number(bytes.toString()))
    last = source
    if (numbers.length % 100 === 0 && last !== undefined) sendText(`${numbers.length}`, last, receiver)
  }
}

function report(): void {
  const isExact = numbers.length === total && numbers.every((number, index) => number === index)
  const lines = { received: numbers.length, isExact, interrupted, signals, exits }
  process.stdout.write(`${JSON.stringify(lines)}\n`, () => process.exit())
}

function startChild(): void {
  started += 1
  spawn('true').once('exit', () => {
    exits += 1
  })
}

async function receiveBlocking(): Promise<void> {
  const inbox = new RecvBatch({ capacity: 16 })
  const deadline = Date.now() + 15_000
  while (numbers.length < total && Date.now() < deadline) {
    if (mode === 'children' && started === exits && started < 100) startChild()
    if (receiver.recvBlocking(inbox, { timeoutMs: 100 }) > 0) take(inbox)
    // Lets signal handlers and exit events of children run.
    if (mode === 'children') await new Promise((resolve) => setImmediate(resolve))
  }
  report()
}

process.stdout.write(`${receiver.localAddress.port}\n`)
if (mode === 'events') {
  const reading = receiver.onReadable(new RecvBatch({ capacity: 16 }), (batch) => {
    take(batch)
    if (numbers.length < total) return
    reading.close()
    report()
  })
} else {
  void receiveBlocking()
}
