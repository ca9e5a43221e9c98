import { workerData } from 'node:worker_threads'
import { endpoint, SendBatch } from '../../../src/index.js'
import { boundSocket, drain } from '../sockets.js'

// A worker that waits on its own event loop: for a datagram from itself, whose text it sends to its parent, and then,
// in the scenario `wait`, for another that never arrives.
const parent = endpoint(workerData)

async function main(): Promise<void> {
  const conn = boundSocket()
  const out = new SendBatch({ capacity: 1 })
  setTimeout(() => {
    out.append('to itself', conn.localAddress)
    conn.send(out)
  }, 10)
  await conn.readable()
  const [{ text }] = drain(conn)
  const waiting = workerData.scenario === 'wait' ? conn.readable() : conn.close()
  out.clear()
  out.append(`worker received ${text}`, parent)
  using sender = boundSocket()
  sender.send(out)
  await waiting
}

void main()
