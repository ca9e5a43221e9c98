import { readdirSync } from 'node:fs'
import { BatchConn, type OpenOptions, RecvBatch, SendBatch } from '../../../src/index.js'
import { boundSocket } from '../sockets.js'
import { sendText } from './faults-send.js'

// faults-injected SCENARIO: a few calls of the library while strace makes system calls fail. Prints as JSON what each
// returned, or the code and system call of its error.

function outcome(work: () => unknown): unknown {
  try {
    return work()
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException
    return `${code} ${syscall}`
  }
}

const descriptors = () => readdirSync('/proc/self/fd').length

const scenarios: Record<string, () => unknown> = {
  open: () => {
    // Loads everything that is loaded once.
    outcome(() => BatchConn.open({ ttl: 5 }).close())
    const before = descriptors()
    const open = (options: OpenOptions) => outcome(() => BatchConn.open(options).close() ?? 'opened')
    const outcomes = Array.from({ length: 20 }, () => open({ ttl: 5 }))
    return { outcomes: [...new Set(outcomes)], leaked: descriptors() - before }
  },
  recv: () => {
    const receiver = boundSocket()
    for (const text of ['a', 'b', 'c']) sendText(text, receiver.localAddress)
    const inbox = new RecvBatch()
    return [1, 2, 3].map(() => outcome(() => receiver.recv(inbox)))
  },
  sendAll: async () => {
    const sender = boundSocket()
    const receiver = boundSocket()
    const out = new SendBatch({ capacity: 10 })
    for (let index = 0; index < 10; index += 1) out.append(`${index}`, receiver.localAddress)
    const first = await sender.sendAll(out).catch((error: NodeJS.ErrnoException) => `${error.code} ${error.syscall}`)
    return { first, sent: out.sent }
  },
}

async function main(): Promise<void> {
  const report = await scenarios[process.argv[2]]()
  process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit())
}

void main()
