/**
 * A worker that keeps running: returns every datagram to its sender, with a socket of the library and one of the
 * drop-in.
 */
import { parentPort } from 'node:worker_threads'
import dropIn from '../../../src/dgram/index.js'
import { BatchConn, RecvBatch, SendBatch } from '../../../src/index.js'

function echoWithLibrary(): number {
  const conn = BatchConn.open().bind({ address: '127.0.0.1', port: 0 })
  const out = new SendBatch()
  conn.onReadable(new RecvBatch(), (batch) => {
    out.clear()
    for (const { bytes, source } of batch) out.append(bytes, source)
    const sent = conn.send(out)
    if (sent !== out.length) throw new Error(`${sent} of ${out.length} datagrams were sent`)
  })
  return conn.localAddress.port
}

const socket = dropIn.createSocket('udp4')
socket.on('message', (bytes, { port, address }) => socket.send(bytes, port, address))
socket.bind(0, '127.0.0.1', () => {
  parentPort?.postMessage({ library: echoWithLibrary(), dropIn: socket.address().port })
})
