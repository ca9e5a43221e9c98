import { setImmediate as iteration } from 'node:timers/promises'
import { createSocket } from '../../../src/dgram/index.js'
import { BatchConn, RecvBatch, SendBatch } from '../../../src/index.js'

// Emits `exit` without an exit, as test runners do. Prints what sockets that are opened afterwards receive, as JSON.
async function main(): Promise<void> {
  const before = BatchConn.open().bind({ address: '127.0.0.1', port: 0 })
  const reading = before.onReadable(new RecvBatch(), () => {})
  process.emit('exit', 0)
  await iteration()
  reading.close()
  before.close()

  const conn = BatchConn.open().bind({ address: '127.0.0.1', port: 0 })
  const out = new SendBatch()
  out.append('library', conn.localAddress)
  await conn.sendAll(out)
  await conn.readable({ signal: AbortSignal.timeout(5_000) })
  const inbox = new RecvBatch()
  const received = [conn.recv(inbox), String(inbox.bytes(0))]
  conn.close()

  const socket = createSocket('udp4', (message) => {
    console.log(JSON.stringify([...received, String(message)]))
    socket.close()
  })
  socket.bind(0, '127.0.0.1', () => socket.send('drop-in', socket.address().port, '127.0.0.1'))
}

main()
