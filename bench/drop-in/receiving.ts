import type { Socket } from 'node:dgram'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { median } from 'simple-statistics'
import { BatchConn, endpoint, SendBatch } from '../../src/index.js'
import { gsoSegments } from '../traffic/modes.js'
import { type Figures, openSocket, type Task } from './task.js'

/** Measures the time per `message` event when datagrams are already queued. Nothing is sent meanwhile. */
export async function receiveCost({ candidate, sizeBytes, count }: Task): Promise<Figures> {
  const socket = await openSocket(candidate)
  const { receiveAll, datagrams, close } = openFeeder(socket, sizeBytes)
  const samples: number[] = []
  for (let received = 0; received < count; received += datagrams) samples.push((await receiveAll()) / datagrams)
  close()
  // The code is still being compiled during the first samples.
  return { 'ns per event': median(samples.slice(samples.length / 5)) }
}

/**
 * Measures the memory per received datagram that the program keeps: in V8's accounts, and of the process. The latter is null if
 * the process used memory that it already had.
 */
export async function keptBytes({ candidate, sizeBytes, count }: Task): Promise<Figures> {
  setFlagsFromString('--expose-gc')
  const collectGarbage: () => void = runInNewContext('gc')
  const socket = await openSocket(candidate)
  const { receiveAll, close } = openFeeder(socket, sizeBytes)
  const kept: Buffer[] = []
  socket.on('message', (bytes) => kept.push(bytes))
  // Code and receive slots, which the first datagrams allocate, do not count.
  await receiveAll()
  collectGarbage()
  const [before, keptBefore] = [process.memoryUsage(), kept.length]
  while (kept.length < keptBefore + count) await receiveAll()
  collectGarbage()
  collectGarbage()
  const after = process.memoryUsage()
  const each = (bytes: number) => (bytes > 0 ? bytes / (kept.length - keptBefore) : null)
  close()
  return {
    'bytes per datagram': each(after.heapUsed + after.external - before.heapUsed - before.external),
    'resident bytes per datagram': each(after.rss - before.rss),
  }
}

/** Sends datagrams to a socket by GSO, so that they are all queued at once: as many as fit its buffer. */
function openFeeder(socket: Socket, sizeBytes: number) {
  const conn = BatchConn.open()
  const to = endpoint({ address: '127.0.0.1', port: socket.address().port })
  const segments = gsoSegments(sizeBytes, SEGMENTS)
  const room = socket.getRecvBufferSize() / (segments * (sizeBytes + KERNEL_BYTES))
  const messages = Math.max(1, Math.min(MAX_MESSAGES, Math.floor(room)))
  const batch = new SendBatch({ capacity: messages, slotBytes: segments * sizeBytes })
  for (let message = 0; message < messages; message += 1) {
    batch.append(Buffer.alloc(segments * sizeBytes, message), to, { segmentBytes: sizeBytes })
  }
  const datagrams = segments * messages
  let missing = 0
  let onAll = () => {}
  socket.on('message', () => {
    missing -= 1
    if (missing === 0) onAll()
  })
  return {
    datagrams,
    /** Queues the datagrams. @returns how many nanoseconds the socket takes to receive them */
    async receiveAll(): Promise<number> {
      batch.rewind()
      while (batch.remaining > 0) conn.send(batch)
      const startNs = process.hrtime.bigint()
      missing = datagrams
      await new Promise<void>((resolve) => {
        onAll = resolve
      })
      return Number(process.hrtime.bigint() - startNs)
    },
    close() {
      conn.close()
      socket.close()
    },
  }
}

const MAX_MESSAGES = 16
/** The most that the kernel charges the receive buffer for a datagram in addition to its bytes. */
const KERNEL_BYTES = 1024
const SEGMENTS = 40
