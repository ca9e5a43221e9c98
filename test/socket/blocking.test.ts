import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import t from 'tap'
import { BatchConn, endpoint, SendBatch } from '../../src/index.js'
import { compiledProgram } from '../support/compiled.js'

async function start(rounds: number): Promise<{ worker: Worker; port: number; ended: Promise<unknown[]> }> {
  const worker = new Worker(compiledProgram('blocking-worker'), { workerData: { rounds }, execArgv: [] })
  // A worker that ends can deliver its last message and emit `exit` in one callback.
  const ended = once(worker, 'exit')
  const [port] = await once(worker, 'message')
  return { worker, port, ended }
}

t.test('a worker blocks in recvBlocking and wakes up for each datagram', async (t) => {
  const { worker, port, ended } = await start(2)
  using sender = BatchConn.open()
  const out = new SendBatch()
  for (const text of ['one', 'two']) {
    out.clear()
    out.append(text, endpoint({ address: '127.0.0.1', port }))
    sender.send(out)
    t.strictSame(await once(worker, 'message'), [[1, text]])
  }
  t.strictSame(await ended, [0])
})

t.test('a worker that blocks without a timeout can be terminated', async (t) => {
  const { worker } = await start(1)
  await new Promise((resolve) => setTimeout(resolve, 50))
  t.equal(await worker.terminate(), 1)
})
