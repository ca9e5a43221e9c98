import { RecvBatch, SendBatch } from '../../../src/index.js'
import { boundSocket } from '../sockets.js'

// send-and-receive ROUNDS BATCH: sends ROUNDS batches of BATCH messages over loopback; prints how many datagrams
// arrived.
const [rounds, capacity] = process.argv.slice(2).map(Number)
using receiver = boundSocket()
using sender = boundSocket()
const destination = receiver.localAddress
const out = new SendBatch({ capacity })
const inbox = new RecvBatch({ capacity })
let arrived = 0
for (let round = 0; round < rounds; round += 1) {
  out.clear()
  for (let index = 0; index < capacity; index += 1) out.append('payload', destination)
  sender.send(out)
  arrived += receiver.recv(inbox)
}
console.log(arrived)
