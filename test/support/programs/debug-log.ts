import { RecvBatch, SendBatch } from '../../../src/index.js'
import { EIO, ENOSYS } from '../../../src/libc/constants.js'
import { libc } from '../../../src/libc/libc.js'
import { boundSocket } from '../sockets.js'

// debug-log: what NODE_DEBUG=batchconn reports. Drops datagrams; then the kernel rejects a GSO send, and sendmmsg.

using receiver = boundSocket({ receiveBufferBytes: 4096, countDrops: true })
using sender = boundSocket()
const out = new SendBatch()
for (let index = 0; index < 64; index += 1) out.append(Buffer.alloc(1200), receiver.localAddress)
sender.send(out)
receiver.recv(new RecvBatch())
if (receiver.kernelDrops === 0) throw new Error('nothing was dropped')

const library = libc()
const { sendmsg } = library
let rejections = 2
library.sendmsg = () => {
  rejections -= 1
  if (rejections === 0) library.sendmsg = sendmsg
  library.errno[0] = EIO
  return -1
}
out.clear()
out.append('aabb', receiver.localAddress, { segmentBytes: 2 })
sender.send(out)

library.sendmmsg = () => {
  library.errno[0] = ENOSYS
  return -1
}
out.clear()
for (const text of ['one', 'two']) out.append(text, receiver.localAddress)
if (sender.send(out) !== 2) throw new Error('not sent')
