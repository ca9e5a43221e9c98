import { parentPort, workerData } from 'node:worker_threads'
import { BatchConn, RecvBatch } from '../../../src/index.js'

// A worker that blocks in recvBlocking. Sends its port to the parent, then the count and text of each receive.
using conn = BatchConn.open().bind({ address: '127.0.0.1', port: 0 })
parentPort?.postMessage(conn.localAddress.port)
const inbox = new RecvBatch()
for (let round = 0; round < workerData.rounds; round += 1) {
  const count = conn.recvBlocking(inbox)
  parentPort?.postMessage([count, inbox.bytes(0).toString()])
}
