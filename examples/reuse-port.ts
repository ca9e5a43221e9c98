// One port, several threads: each has a socket of its own, and the kernel spreads the flows over them.
// Prints how many datagrams each has received whenever that changed, and once more when it is interrupted.
//
//   npx ts-node examples/reuse-port.ts [workers] [port] [address]
//
// Outside of this repository, import from 'batchconn'.
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { BatchConn, type Endpoint, endpoint, RecvBatch } from '../src/index.js'

interface Work {
  readonly index: number
  readonly address: string
  readonly port: number
  /** One for each worker, in shared memory. */
  readonly counts: Int32Array
}

function open(at: Endpoint): BatchConn {
  // To be set by every one of them, before it binds.
  return BatchConn.open({ family: at.family, reusePort: true, receiveBufferBytes: 4 << 20 }).bind(at)
}

async function main(): Promise<void> {
  const [workers = availableParallelism(), port = '9000', address = '127.0.0.1'] = process.argv.slice(2)
  const counts = new Int32Array(new SharedArrayBuffer(Number(workers) * 4))

  // Holds the port until the workers have it. It would get its share of the flows, so it goes before anybody sends.
  const holder = open(endpoint({ address, port: Number(port) }))
  const at = holder.localAddress
  const starts = Array.from(counts, (_, index) => startWorker({ index, address: at.address, port: at.port, counts }))
  await Promise.all(starts.map((worker) => once(worker, 'message')))
  holder.close()
  console.log(`${counts.length} workers listen on ${at}`)

  let last = ''
  const print = () => {
    const total = counts.reduce((sum, count) => sum + count, 0)
    const line = `${counts.join(' + ')} = ${total}`
    if (line !== last) console.log(line)
    last = line
  }
  setInterval(print, 500)
  process.once('SIGINT', () => {
    last = ''
    print()
    process.exit()
  })
}

/** A worker does not have the main thread's ts-node; from compiled code, `new Worker(__filename, …)` is enough. */
function startWorker(work: Work): Worker {
  const program = [require.resolve('ts-node/register'), __filename]
  const code = program.map((file) => `require(${JSON.stringify(file)})`).join('\n')
  return new Worker(code, { eval: true, workerData: work, execArgv: [] })
}

function work({ index, address, port, counts }: Work): void {
  const conn = open(endpoint({ address, port }))
  const inbox = new RecvBatch({ capacity: 64, slotBytes: 2048 })
  parentPort?.postMessage('ready')
  // Blocks the thread, which has nothing else to do.
  for (;;) Atomics.add(counts, index, conn.recvBlocking(inbox))
}

if (isMainThread) main()
else work(workerData)
