import type { Socket } from 'node:dgram'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { median } from 'simple-statistics'
import { Feeder, openSocket } from './sockets.js'
import type { Figures, Task } from './task.js'

/** Measures the time per `message` event when datagrams are already queued. Nothing is sent meanwhile. */
export async function receiveCost({ candidate, sizeBytes, count }: Task): Promise<Figures> {
  const socket = await openSocket(candidate)
  const feeder = new Feeder(socket, sizeBytes)
  const arrivalOf = counter(socket)
  const samples: number[] = []
  for (let received = 0; received < count; received += feeder.datagrams) {
    feeder.feed()
    const startNs = process.hrtime.bigint()
    await arrivalOf(feeder.datagrams)
    samples.push(Number(process.hrtime.bigint() - startNs) / feeder.datagrams)
  }
  feeder.close()
  socket.close()
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
  const feeder = new Feeder(socket, sizeBytes)
  const kept: Buffer[] = []
  socket.on('message', (bytes) => kept.push(bytes))
  const arrivalOf = counter(socket)
  const fill = async (target: number) => {
    while (kept.length < target) {
      feeder.feed()
      await arrivalOf(feeder.datagrams)
    }
  }
  // Code and receive slots, which the first datagrams allocate, do not count.
  await fill(feeder.datagrams)
  collectGarbage()
  const [before, keptBefore] = [process.memoryUsage(), kept.length]
  await fill(keptBefore + count)
  collectGarbage()
  collectGarbage()
  const after = process.memoryUsage()
  const each = (bytes: number) => (bytes > 0 ? bytes / (kept.length - keptBefore) : null)
  feeder.close()
  socket.close()
  return {
    'bytes per datagram': each(after.heapUsed + after.external - before.heapUsed - before.external),
    'resident bytes per datagram': each(after.rss - before.rss),
  }
}

/** Returns a function that settles when a number of further messages has arrived. */
function counter(socket: Socket): (messages: number) => Promise<void> {
  let missing = 0
  let onAll = () => {}
  socket.on('message', () => {
    missing -= 1
    if (missing === 0) onAll()
  })
  return (messages) => {
    missing = messages
    return new Promise((resolve) => {
      onAll = resolve
    })
  }
}
