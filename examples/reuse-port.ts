// One port, several threads: each thread has a socket of its own, and the kernel distributes the flows over the sockets.
// Prints the number of datagrams per thread when it changes, and once more at Ctrl-C.
// For even shares within a flow, replace `reusePort: true` by `reusePort: { steer: 'random', sockets: workers }`.
//
//   npx ts-node examples/reuse-port.ts [workers] [port] [address]
//
// Outside this repository, replace '../src/index.js' by 'batchconn'.
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { BatchConn, type Endpoint, endpoint, RecvBatch } from '../src/index.js'

interface Work {
  readonly index: number
  readonly address: string
  readonly port: number
  /** Number of datagrams per worker, in shared memory. */
  readonly counts: Int32Array
}

function open(at: Endpoint): BatchConn {
  // Every socket of the port sets `reusePort` before it binds.
  return BatchConn.open({ family: at.family, reusePort: true, receiveBufferBytes: 4 << 20 }).bind(at)
}

async function main(): Promise<void> {
  const [workers = availableParallelism(), port = '9000', address = '127.0.0.1'] = process.argv.slice(2)
  const counts = new Int32Array(new SharedArrayBuffer(Number(workers) * 4))

  // Keeps the port until all workers have bound it. Closed before traffic, because it would receive a share of the flows.
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

/** Runs this file in a worker thread. TypeScript source loads ts-node first, which a worker does not inherit. */
function startWorker(work: Work): Worker {
  if (!__filename.endsWith('.ts')) return new Worker(__filename, { workerData: work })
  const program = [require.resolve('ts-node/register'), __filename]
  const code = program.map((file) => `require(${JSON.stringify(file)})`).join('\n')
  return new Worker(code, { eval: true, workerData: work, execArgv: [] })
}

function work({ index, address, port, counts }: Work): void {
  const conn = open(endpoint({ address, port }))
  const inbox = new RecvBatch({ capacity: 64, slotBytes: 2048 })
  parentPort?.postMessage('ready')
  // Blocks the thread: this worker has no other task.
  for (;;) Atomics.add(counts, index, conn.recvBlocking(inbox))
}

if (isMainThread) main()
else work(workerData)
