// Echo server with several threads on one port: each has a socket of its own, and the kernel distributes the datagrams over
// the sockets, by flow ('hash'), by receiving CPU ('cpu') or evenly ('random').
// Prints the number of datagrams per thread when it changes, and once more at Ctrl-C.
//
//   npx ts-node examples/reuse-port.ts [workers] [port] [address] [hash | cpu | random] [node:dgram]
//
// Outside this repository, replace '../src/index.js' by 'batchconn'. With 'node:dgram', for comparison, the workers use
// that; this requires Node 22.12 or newer.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { BatchConn, type Endpoint, endpoint, RecvBatch, SendBatch } from '../src/index.js'

interface Work {
  readonly index: number
  readonly address: string
  readonly port: number
  readonly steer: string
  readonly isPlain: boolean
  /** Number of datagrams per worker, in shared memory. */
  readonly counts: Int32Array
}

function open(at: Endpoint, steer: string, sockets: number): BatchConn {
  if (steer !== 'hash' && steer !== 'cpu' && steer !== 'random') throw new RangeError(`cannot steer by ${steer}`)
  // Every socket of the port sets the same `reusePort` before it binds.
  return BatchConn.open({ family: at.family, reusePort: { steer, sockets }, receiveBufferBytes: 4 << 20 }).bind(at)
}

async function main(): Promise<void> {
  const [workers, port = '9000', address = '127.0.0.1', steer = 'hash', over] = process.argv.slice(2)
  const counts = new Int32Array(new SharedArrayBuffer(Number(workers ?? availableParallelism()) * 4))

  // Keeps the port until all workers have bound it. Closed before traffic, because it would receive a share of it.
  const holder = open(endpoint({ address, port: Number(port) }), steer, counts.length)
  const at = holder.localAddress
  const shared = { address: at.address, port: at.port, steer, isPlain: over === 'node:dgram', counts }
  const starts = Array.from(counts, (_, index) => startWorker({ index, ...shared }))
  await Promise.all(starts.map((worker) => once(worker, 'message')))
  holder.close()
  console.log(`${counts.length} workers listen on ${at}`)

  let last = ''
  const print = () => {
    const line = `${counts.join(' + ')} = ${counts.reduce((sum, count) => sum + count, 0)}`
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

/** Blocks the thread, which has no other task. */
function echo({ index, address, port, steer, counts }: Work): void {
  const conn = open(endpoint({ address, port }), steer, counts.length)
  const inbox = new RecvBatch({ capacity: 64, slotBytes: 65_535 })
  const replies = new SendBatch({ capacity: inbox.capacity, slotBytes: 1, coalesce: true })
  parentPort?.postMessage('ready')
  for (;;) {
    Atomics.add(counts, index, conn.recvBlocking(inbox))
    for (const { bytes, source } of inbox) {
      // Any sender can write 0 as the source port of a packet. It cannot be answered.
      if (source !== undefined && source.port !== 0) replies.appendReference(bytes, source)
    }
    while (replies.remaining > 0) {
      try {
        if (conn.send(replies) === 0) conn.waitWritable()
      } catch {
        replies.skip() // what the kernel rejects
      }
    }
    replies.clear()
  }
}

function echoPlain({ index, address, port, counts }: Work): void {
  const options = { type: 'udp4', reusePort: true, recvBufferSize: 4 << 20 } as const
  const socket = createSocket(options, (message, { port, address }) => {
    Atomics.add(counts, index, 1)
    if (port !== 0) socket.send(message, port, address)
  })
  socket.bind(port, address, () => parentPort?.postMessage('ready'))
}

if (isMainThread) main()
else (workerData.isPlain ? echoPlain : echo)(workerData)
