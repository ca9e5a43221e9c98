import { BatchConn, RecvBatch, SendBatch } from '../../../src/index.js'
import { boundSocket, deadEndpoint } from '../sockets.js'

// stats: sends and receives on three sockets, with errors, would-blocks and GSO; prints the descriptor and `stats` of each.

const inbox = new RecvBatch()

/** Sends the whole batch, skipping what fails. */
function sendRest(conn: BatchConn, batch: SendBatch): void {
  while (batch.remaining > 0) {
    try {
      conn.send(batch)
    } catch {
      batch.skip()
    }
  }
}

function receiveRest(conn: BatchConn): void {
  while (conn.recv(inbox) > 0) {}
}

using receiver = boundSocket()
using sender = boundSocket()
using refused = BatchConn.open().connect(deadEndpoint())

const out = new SendBatch({ capacity: 2000, slotBytes: 70_000, coalesce: true })
for (let round = 0; round < 10; round += 1) {
  out.clear()
  for (let index = 0; index < 100; index += 1) out.append(Buffer.alloc(100 + index), receiver.localAddress)
  for (let index = 0; index < 100; index += 1) out.append(Buffer.alloc(100), receiver.localAddress)
  out.append(Buffer.alloc(66_000), receiver.localAddress)
  out.append(Buffer.alloc(5000), receiver.localAddress, { segmentBytes: 1000 })
  sendRest(sender, out)
  receiveRest(receiver)
}

out.clear()
for (let index = 0; index < 1500; index += 1) out.append(Buffer.alloc(index % 7))
sendRest(refused, out)
try {
  receiveRest(refused)
} catch {}

console.log(JSON.stringify([receiver, sender, refused].map(({ fd, stats }) => ({ fd, stats }))))
