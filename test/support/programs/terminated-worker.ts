import { Worker } from 'node:worker_threads'

// Only the worker loads the library, and is terminated while a socket waits. The parent must keep running.
const library = JSON.stringify(require.resolve('../../../src/index.js'))
const worker = new Worker(
  `const { BatchConn, RecvBatch } = require(${library})
   const conn = BatchConn.open().bind({ address: '127.0.0.1', port: 0 })
   conn.onReadable(new RecvBatch(), () => {})
   require('node:worker_threads').parentPort.postMessage('waiting')`,
  { eval: true },
)
worker.on('message', async () => {
  await worker.terminate()
  console.log('terminated')
})
