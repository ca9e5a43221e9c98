import { readSync } from 'node:fs'
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { type BatchConn, RecvBatch } from '../../../src/index.js'
import { libc } from '../../../src/libc/libc.js'
import { boundSocket } from '../sockets.js'
import { close, dup, dup2, O_CLOEXEC, O_RDONLY, open, SHUT_RD, SHUT_RDWR, SHUT_WR, shutdown } from './faults-native.js'
import { sendText } from './faults-send.js'

// faults-descriptors READER EVENT: a socket waits for datagrams by READER while other code causes EVENT on its
// descriptor. Prints as JSON the loop iterations and calls afterwards, and what was reported.

const [readerName, eventName] = process.argv.slice(2)
const errors: string[] = []
const note = (error: unknown) => errors.push(error instanceof Error && 'code' in error ? `${error.code}` : `${error}`)
process.on('uncaughtException', note)

/** Calls of receiving functions. System calls of the event loop itself show as loop iterations. */
let receiveCalls = 0
const native = libc()
for (const name of ['recvmsg', 'recvmmsg'] as const) {
  const real: (...args: never[]) => number = native[name]
  Object.assign(native, {
    [name]: (...args: never[]) => {
      receiveCalls += 1
      return real(...args)
    },
  })
}

/** Collects received datagrams as text. */
const readers: Record<string, (conn: BatchConn, texts: string[]) => void> = {
  onReadable: (conn, texts) => {
    conn.onReadable(new RecvBatch(), (batch) => {
      for (const { bytes } of batch) texts.push(bytes.toString())
    })
  },
  batches: (conn, texts) => {
    const read = async () => {
      for await (const batch of conn.batches(new RecvBatch()))
        for (const { bytes } of batch) texts.push(bytes.toString())
    }
    read().catch(note)
  },
}

/** Events by name. A returned function undoes the event at the end. */
const events: Record<string, (conn: BatchConn) => (() => void) | undefined> = {
  closed: ({ fd }) => {
    close(fd)
    return undefined
  },
  'closed while a duplicate is open': ({ fd }) => {
    const duplicate = dup(fd)
    close(fd)
    return () => close(duplicate)
  },
  'reused by a file while a duplicate is open': ({ fd }) => {
    const duplicate = dup(fd)
    const file = open(process.argv[1], O_RDONLY | O_CLOEXEC)
    dup2(file, fd)
    close(file)
    return () => {
      // Throws if the file was closed under its new number.
      readSync(fd, Buffer.alloc(4), 0, 4, 0)
      successor.push('the file is open')
      close(duplicate)
    }
  },
  'reused by a socket while a duplicate is open': ({ fd }) => {
    const duplicate = dup(fd)
    close(fd)
    const next = boundSocket()
    if (next.fd !== fd) throw new Error(`the new socket has descriptor ${next.fd}, not ${fd}`)
    next.onReadable(new RecvBatch(), (batch) => {
      for (const { bytes } of batch) successor.push(bytes.toString())
    })
    sendText('to the new socket', next.localAddress)
    return () => {
      sendText('and after close', next.localAddress)
      close(duplicate)
    }
  },
  'shut down for reading': (conn) => shutDown(conn, SHUT_RD),
  'shut down for writing': (conn) => shutDown(conn, SHUT_WR),
  'shut down for both': (conn) => shutDown(conn, SHUT_RDWR),
}
const successor: string[] = []

function shutDown({ fd }: BatchConn, how: number): () => void {
  const duplicate = dup(fd)
  shutdown(duplicate, how)
  return () => close(duplicate)
}

async function main(): Promise<void> {
  const [affected, other] = [boundSocket(), boundSocket()]
  const texts: string[] = []
  const otherTexts: string[] = []
  readers[readerName](affected, texts)
  readers.onReadable(other, otherTexts)
  const { localAddress } = affected
  sendText('before', localAddress)
  sendText('before', other.localAddress)
  await sleep(20)
  errors.length = 0
  const undo = events[eventName](affected)
  sendText('after', localAddress)
  sendText('after', other.localAddress)
  await sleep(50)
  const before = { iterations: performance.nodeTiming.uvMetricsInfo.loopCount, receiveCalls }
  for (let count = 0; count < 10; count += 1) {
    sendText(`${count}`, localAddress)
    sendText(`${count}`, other.localAddress)
    await sleep(20)
  }
  const iterations = performance.nodeTiming.uvMetricsInfo.loopCount - before.iterations
  const calls = receiveCalls - before.receiveCalls
  const whileOpen = [...errors]
  try {
    affected.close()
  } catch (error) {
    note(error)
  }
  const closing = errors.slice(whileOpen.length)
  const afterClose = performance.nodeTiming.uvMetricsInfo.loopCount
  await sleep(100)
  const iterationsAfterClose = performance.nodeTiming.uvMetricsInfo.loopCount - afterClose
  undo?.()
  sendText('last', other.localAddress)
  await sleep(50)
  const report = { iterations, calls, iterationsAfterClose, errors: whileOpen, closing, texts, otherTexts, successor }
  process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit())
}

void main()
