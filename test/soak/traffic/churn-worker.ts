import { workerData } from 'node:worker_threads'
import { createSocket } from '../../../src/dgram/index.js'
import { BatchConn, endpoint, RecvBatch, SendBatch } from '../../../src/index.js'
import { writeDatagram } from './payload.js'

/** Start parameters of a worker that will be terminated. */
export interface ChurnWorkerData {
  readonly flow: number
  /** Destination of its datagrams. */
  readonly port: number
  readonly isDropIn: boolean
  /** Two 32-bit numbers: datagrams passed to the library, and those it reported as accepted. */
  readonly shared: SharedArrayBuffer
}

const { flow, port, isDropIn, shared } = workerData as ChurnWorkerData
const counts = new Int32Array(shared)

// It also sends to itself, so that it is terminated while datagrams arrive. These are lost with it.
function sendFromConn(): void {
  const conn = BatchConn.open().bind({ address: '127.0.0.1', port: 0 })
  conn.onReadable(new RecvBatch(), () => {})
  const out = new SendBatch()
  const own = conn.localAddress
  const to = endpoint({ address: '127.0.0.1', port })
  setInterval(() => {
    out.clear()
    const toParent = next()
    for (const bytes of toParent) {
      out.append(bytes, to)
      out.append(bytes, own)
    }
    if (conn.send(out) === 2 * toParent.length) Atomics.add(counts, 1, toParent.length)
  }, 1)
}

function sendFromDropIn(): void {
  const socket = createSocket('udp4', () => {})
  socket.bind(0, '127.0.0.1', () => {
    const own = socket.address().port
    setInterval(() => {
      for (const bytes of next()) {
        socket.send(bytes, port, '127.0.0.1', (error) => {
          if (error === null) Atomics.add(counts, 1, 1)
        })
        socket.send(bytes, own, '127.0.0.1')
      }
    }, 1)
  })
}

/** Returns the next few datagrams for the parent, or none when its receive buffer may be full. */
function next(): Buffer[] {
  const first = counts[0]
  if (first + PER_ROUND > MOST) return []
  Atomics.add(counts, 0, PER_ROUND)
  return Array.from({ length: PER_ROUND }, (_, index) => {
    const bytes = Buffer.alloc(100)
    writeDatagram(bytes, flow, first + index)
    return bytes
  })
}

const PER_ROUND = 4
/** The parent reads only after the worker has ended, and 300 short datagrams fit any receive buffer. */
const MOST = 300

if (isDropIn) sendFromDropIn()
else sendFromConn()
