// A runtime without views of native memory, as Electron is. Prints what sockets do, as JSON.

import koffi from 'koffi'

Object.assign(koffi, {
  view: () => {
    throw new Error('External buffers are not allowed')
  },
})

async function main(): Promise<void> {
  const { BatchConn, RecvBatch, SendBatch } = await import('../../../src/index.js')
  const conn = BatchConn.open().bind({ address: '127.0.0.1', port: 0 })
  const [out, inbox] = [new SendBatch(), new RecvBatch()]
  const none = conn.recv(inbox)
  out.append('x', conn.localAddress)
  conn.send(out)
  await conn.readable({ signal: AbortSignal.timeout(5000) })
  const received = conn.recv(inbox)
  let code: unknown
  try {
    BatchConn.open().bind(conn.localAddress)
  } catch (error) {
    code = error instanceof Error && 'code' in error ? error.code : error
  }
  conn.close()
  console.log(JSON.stringify({ none, received, code }))
}

main()
