/**
 * Ends by itself while datagrams arrive at an unref'd socket: of the drop-in, or a BatchConn with the argument `conn`.
 * With `removed`, the `exit` listeners are removed before.
 */
import dgram from '../../../src/dgram/index.js'
import { BatchConn, RecvBatch, SendBatch } from '../../../src/index.js'

const receiver = process.argv.includes('conn') ? receiveByConn() : receiveByDropIn()
if (process.argv.includes('removed')) process.removeAllListeners('exit')

function receiveByConn(): { port(): number; unref(): void } {
  const conn = BatchConn.open().bind({ address: '127.0.0.1', port: 0 })
  conn.onReadable(new RecvBatch({ capacity: 1 }), flood)
  setImmediate(flood)
  return { port: () => conn.localAddress.port, unref: () => conn.unref() }
}

function receiveByDropIn(): { port(): number; unref(): void } {
  const socket = dgram.createSocket('udp4', flood)
  socket.bind(0, '127.0.0.1', flood)
  return { port: () => socket.address().port, unref: () => socket.unref() }
}

/** Sends more than one loop iteration receives, and lets the process end. */
function flood(): void {
  receiver.unref()
  const batch = new SendBatch({ capacity: 200 })
  using conn = BatchConn.open().connect({ address: '127.0.0.1', port: receiver.port() })
  for (let index = 0; index < batch.capacity; index += 1) batch.append(`message ${index}`)
  conn.send(batch)
}
