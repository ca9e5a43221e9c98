import { once } from 'node:events'
import { isMainThread, Worker, workerData } from 'node:worker_threads'
import { BatchConn, endpoint, RecvBatch, SendBatch } from '../../../src/index.js'

// steered-race: in each round, four threads bind one port at the same moment with steer 'random', and receive one flow of 400
// datagrams. Prints how many each thread received, per round.

const THREADS = 4
const ROUNDS = 25
const DATAGRAMS = 400

interface Shared {
  readonly index: number
  /** Number of threads that have arrived, one element per barrier. */
  readonly arrived: Int32Array
  /** Port of each round. */
  readonly ports: Int32Array
  /** Received datagrams, by round and thread. */
  readonly counts: Int32Array
}

/** Waits until all threads and the main one have arrived; all then go on at the same moment. */
function barrier(arrived: Int32Array, index: number): void {
  const all = THREADS + 1
  if (Atomics.add(arrived, index, 1) + 1 === all) Atomics.notify(arrived, index)
  for (let count = Atomics.load(arrived, index); count < all; count = Atomics.load(arrived, index)) {
    Atomics.wait(arrived, index, count, 1000)
  }
}

function receive({ index, arrived, ports, counts }: Shared): void {
  const inbox = new RecvBatch({ capacity: DATAGRAMS, slotBytes: 16 })
  for (let round = 0; round < ROUNDS; round += 1) {
    const conn = BatchConn.open({ reusePort: { steer: 'random', sockets: THREADS }, receiveBufferBytes: 4 << 20 })
    barrier(arrived, round * 4)
    const address = endpoint({ address: '127.0.0.1', port: Atomics.load(ports, round) })
    barrier(arrived, round * 4 + 1)
    conn.bind(address)
    barrier(arrived, round * 4 + 2)
    barrier(arrived, round * 4 + 3)
    Atomics.store(counts, round * THREADS + index, conn.recv(inbox))
    conn.close()
  }
}

function send({ arrived, ports }: Omit<Shared, 'index'>): void {
  const out = new SendBatch({ capacity: DATAGRAMS, slotBytes: 16 })
  for (let index = 0; index < DATAGRAMS; index += 1) out.append(String(index))
  for (let round = 0; round < ROUNDS; round += 1) {
    const probe = BatchConn.open().bind({ address: '127.0.0.1', port: 0 })
    const { port } = probe.localAddress
    probe.close()
    Atomics.store(ports, round, port)
    barrier(arrived, round * 4)
    barrier(arrived, round * 4 + 1)
    barrier(arrived, round * 4 + 2)
    using sender = BatchConn.open().connect(endpoint({ address: '127.0.0.1', port }))
    out.rewind()
    sender.send(out)
    barrier(arrived, round * 4 + 3)
  }
}

async function main(): Promise<void> {
  const integers = (length: number) => new Int32Array(new SharedArrayBuffer(4 * length))
  const shared = { arrived: integers(ROUNDS * 4), ports: integers(ROUNDS), counts: integers(ROUNDS * THREADS) }
  const workers = Array.from(
    { length: THREADS },
    (_, index) => new Worker(__filename, { workerData: { ...shared, index } }),
  )
  await Promise.all(workers.map((worker) => once(worker, 'online')))
  const ended = Promise.all(workers.map((worker) => once(worker, 'exit')))
  send(shared)
  await ended
  const rounds = Array.from({ length: ROUNDS }, (_, round) => [
    ...shared.counts.subarray(round * THREADS, (round + 1) * THREADS),
  ])
  console.log(JSON.stringify(rounds))
}

if (isMainThread) main()
else receive(workerData as Shared)
