// A runtime that claims to be Bun, where creating a poll handle aborts the process. Prints what waiting does, as JSON.

Object.defineProperty(process.versions, 'bun', { value: '1.0.0' })

async function main(): Promise<void> {
  const { BatchConn, RecvBatch, SendBatch } = await import('../../../src/index.js')
  const { createSocket } = await import('../../../src/dgram/index.js')
  const conn = BatchConn.open().bind({ address: '127.0.0.1', port: 0 })
  const out = new SendBatch()
  out.append('x', conn.localAddress)
  await conn.sendAll(out)
  const inbox = new RecvBatch()
  const received = conn.recvBlocking(inbox, { timeoutMs: 1000 })
  const waits = [() => conn.readable(), () => conn.writable(), async () => conn.onReadable(inbox, () => {})]
  const results = await Promise.allSettled(waits.map((wait) => wait()))
  const codes = results.map((result) => (result.status === 'rejected' ? result.reason.code : result.status))
  const socket = createSocket('udp4', (message) => {
    console.log(JSON.stringify({ received, codes, text: String(message), batching: socket.batching.available }))
    socket.close()
  })
  socket.bind(0, '127.0.0.1', () => socket.send('plain', socket.address().port, '127.0.0.1'))
}

main()
