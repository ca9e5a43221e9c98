/**
 * Begins work in a listener of `beforeExit`, after a socket was used: `wait` for a datagram, `server` for a new socket of the
 * drop-in, `ref` of one, `unref` for a wait that must not keep the process. With `first`, the listener is the first one.
 */
import dgram from '../../../src/dgram/index.js'
import { BatchConn, RecvBatch, SendBatch } from '../../../src/index.js'

const [work, order] = process.argv.slice(2)
const HERE = '127.0.0.1'
const seen: unknown[] = []
const conn = BatchConn.open().bind({ address: HERE, port: 0 })
const socket = dgram.createSocket('udp4', (message) => {
  seen.push(String(message))
  socket.close()
})

function begin(): void {
  seen.push('beforeExit')
  if (work === 'wait') void wait()
  else if (work === 'unref') conn.unref().onReadable(new RecvBatch(), () => {})
  else if (work === 'ref') socket.ref().send('to itself', socket.address().port, HERE)
  else serve()
}

async function wait(): Promise<void> {
  const out = new SendBatch()
  out.append('x', conn.localAddress)
  const waiting = conn.readable()
  conn.send(out)
  await waiting
  seen.push(conn.recv(new RecvBatch()))
}

function serve(): void {
  const server = dgram.createSocket('udp4', (message) => {
    seen.push(String(message))
    server.close()
  })
  server.bind(0, HERE, () => server.send('to the server', server.address().port, HERE))
}

if (order === 'first') process.once('beforeExit', begin)
void conn.writable().then(() => {
  if (order !== 'first') process.once('beforeExit', begin)
})
socket.bind(0, HERE, () => socket.unref())
process.on('exit', () => console.log(JSON.stringify(seen)))
