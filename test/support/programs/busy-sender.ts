/**
 * Sends itself 100 datagrams per loop iteration for 50 iterations, pauses for 300 iterations after the last arrival, and
 * repeats that once. Prints how many arrived. Argument: `worker` to run in a worker thread; `unref` to use an unreferenced socket.
 */
import { once } from 'node:events'
import { setImmediate as loopIteration, setTimeout as sleep } from 'node:timers/promises'
import { isMainThread, Worker } from 'node:worker_threads'
import dgram from '../../../src/dgram/index.js'

const DATAGRAMS = 100
const ITERATIONS = 50
const QUIET_ITERATIONS = 300

async function main(): Promise<void> {
  const socket = dgram.createSocket({ type: 'udp4', gso: false, recvBufferSize: 4 << 20 })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  if (process.argv.includes('unref')) socket.unref()
  let arrived = 0
  socket.on('message', () => {
    arrived += 1
  })
  const { port } = socket.address()
  for (let phase = 0; phase < 2; phase += 1) {
    for (let index = 0; index < ITERATIONS; index += 1) {
      for (let message = 0; message < DATAGRAMS; message += 1) socket.send(`message ${message}`, port, '127.0.0.1')
      await loopIteration()
    }
    let waits = 0
    do await sleep(10)
    while (arrived < (phase + 1) * ITERATIONS * DATAGRAMS && ++waits < 200)
    for (let index = 0; index < QUIET_ITERATIONS; index += 1) await loopIteration()
  }
  console.log(arrived)
  socket.close()
}

if (isMainThread && process.argv.includes('worker')) new Worker(__filename)
else void main()
