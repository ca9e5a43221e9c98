// Sends and receives with the library and with the drop-in, and prints the results as one line of JSON. Checks copy this
// file into projects, where it imports 'batchconn'.
import dgram, { createSocket } from '../../../src/dgram/index.js'
import { BatchConn, endpoint, RecvBatch, SendBatch } from '../../../src/index.js'

/** Results that depend on the runtime. */
export interface Exchange {
  /** Texts received by blocking calls, without the event loop. */
  readonly texts: readonly string[]
  /** Datagrams received of one GSO send. */
  readonly segments: number
  /** Batches received by `readable`, `onReadable` and `batches`; or the code of the error. */
  readonly waits: number | string
  /** Text that a socket of the drop-in received. */
  readonly dropIn: string
  /** True if that socket batches. */
  readonly isBatching: boolean
}

const LOCAL = { address: '127.0.0.1', port: 0 }

export async function exchange(): Promise<Exchange> {
  const receiver = BatchConn.open().bind(LOCAL)
  const sender = BatchConn.open().connect(receiver.localAddress)
  const inbox = new RecvBatch({ capacity: 8 })
  const two = new SendBatch({ capacity: 2 })
  // The realm of a test runner has classes of its own.
  two.append(new Uint8Array([111, 110, 101]))
  two.append(['t', Buffer.from('wo')])
  sender.send(two)
  const texts: string[] = []
  while (texts.length < 2) {
    if (receiver.recvBlocking(inbox, { timeoutMs: 10_000 }) === 0) throw new Error('received nothing')
    for (const { bytes } of inbox) texts.push(bytes.toString())
  }

  const large = new SendBatch({ capacity: 1 })
  large.append('x'.repeat(300), endpoint(receiver.localAddress), { segmentBytes: 100 })
  sender.send(large)
  let segments = 0
  while (segments < 3) segments += receiver.recvBlocking(inbox, { timeoutMs: 10_000 })

  const waits = await wait(sender, receiver, inbox)
  for (const conn of [sender, receiver]) conn.close()
  return { texts, segments, waits, ...(await throughDropIn()) }
}

async function wait(sender: BatchConn, receiver: BatchConn, inbox: RecvBatch): Promise<number | string> {
  const out = new SendBatch({ capacity: 1 })
  out.append('wake up')
  const signal = AbortSignal.timeout(20_000)
  let waits = 0
  const send = () => {
    out.rewind()
    sender.send(out)
  }
  try {
    for (; waits < 2; waits += 1) {
      send()
      await receiver.readable({ signal })
      receiver.recv(inbox)
    }
    await new Promise<void>((resolve, reject) => {
      signal.addEventListener('abort', reject)
      const reading = receiver.onReadable(inbox, () => {
        waits += 1
        if (waits < 4) return send()
        reading.close()
        resolve()
      })
      send()
    })
    send()
    for await (const _ of receiver.batches(inbox, { signal })) {
      waits += 1
      if (waits === 6) break
      send()
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error) return String(error.code)
    throw error
  }
  return waits
}

function throughDropIn(): Promise<{ dropIn: string; isBatching: boolean }> {
  if (dgram.createSocket !== createSocket) throw new Error('the default export is not the module')
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4', (bytes) => {
      const isBatching = socket.batching.available
      socket.close(() => resolve({ dropIn: bytes.toString(), isBatching }))
    })
    socket.once('error', reject)
    socket.bind(LOCAL.port, LOCAL.address, () => {
      socket.send(new Uint8Array([104, 105]), socket.address().port, LOCAL.address)
    })
  })
}
