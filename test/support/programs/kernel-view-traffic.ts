import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { isMainThread, Worker } from 'node:worker_threads'
import { RecvBatch, SendBatch } from '../../../src/index.js'
import { boundSocket, drain } from '../sockets.js'

// Correct sends and receives for the kernel view, in the main thread and in a worker: single calls and batches, copied
// and external memory, with and without control messages. Argument `dgram`: only node:dgram, which does not use Koffi.
// Ends with status 1 unless every datagram arrives.

function exchange(capacity: number): void {
  using receiver = boundSocket()
  using sender = boundSocket()
  const out = new SendBatch({ capacity, slotBytes: 1024 })
  for (let index = 0; index < capacity; index += 1) {
    const destination = receiver.localAddress
    if (index % 3 === 0) out.append('copied', destination)
    else if (index % 3 === 1) out.append(['gath', 'ered'], destination, { ttl: 8 })
    else out.appendReference(Buffer.alloc(500, 'external'), destination)
  }
  sender.send(out)
  expect(drain(receiver).length, capacity)
  const inbox = new RecvBatch({ capacity: 1 })
  out.clear()
  out.append('single', receiver.localAddress)
  sender.send(out)
  expect(receiver.recv(inbox), 1)
}

async function exchangeByDgram(): Promise<void> {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  for (let index = 0; index < 64; index += 1) socket.send('datagram', socket.address().port, '127.0.0.1')
  await once(socket, 'message')
  socket.close()
}

function expect(actual: number, expected: number): void {
  if (actual !== expected) throw new Error(`${actual} datagrams arrived, not ${expected}`)
}

if (process.argv[2] === 'dgram') void exchangeByDgram()
else {
  for (const capacity of [1, 2, 64]) exchange(capacity)
  if (isMainThread) new Worker(__filename)
}
