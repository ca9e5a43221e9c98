/**
 * Sends a message above the MTU on a socket with recvErrors and DF set, while the socket is read by the method that the
 * argument names. Prints as JSON the failure, the result of `takeErrors()` and the number of `recv` calls.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { BatchConn, endpoint, RecvBatch, SendBatch } from '../../../src/index.js'

async function main(way: string): Promise<void> {
  const conn = BatchConn.open({ recvErrors: true, mtuDiscover: 'do' })
  let calls = 0
  const { recv } = conn
  conn.recv = (batch) => {
    calls += 1
    return recv.call(conn, batch)
  }
  if (way === 'onReadable') conn.onReadable(new RecvBatch(), () => {})
  if (way === 'batches') void conn.batches(new RecvBatch()).next()
  const out = new SendBatch({ slotBytes: 4000 })
  out.append(Buffer.alloc(3000), endpoint({ address: '127.0.0.1', port: 9 }))
  const { failed } = await conn.sendAll(out)
  const errors = conn.takeErrors().map(({ code, origin }) => `${code} ${origin}`)
  // A second time, with the first error still in the kernel's queue.
  out.rewind()
  await conn.sendAll(out)
  if (way === 'recvBlocking') conn.recvBlocking(new RecvBatch(), { timeoutMs: 200 })
  else await sleep(200)
  process.stdout.write(JSON.stringify({ failed: failed.map(({ error }) => error.code), errors, calls }))
  conn.close()
}

void main(process.argv[2])
