import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { median } from 'simple-statistics'
import type { Figures, Task } from './plan.js'
import { Feeder, openSocket } from './sockets.js'

/** Measures the time per `message` event when datagrams are already queued. Nothing is sent meanwhile. */
export async function receiveCost({ candidate, sizeBytes, count }: Task): Promise<Figures> {
  const socket = await openSocket(candidate)
  const feeder = new Feeder(socket, sizeBytes)
  let missing = 0
  let onAll = () => {}
  socket.on('message', () => {
    missing -= 1
    if (missing === 0) onAll()
  })
  const samples: number[] = []
  for (let received = 0; received < count; received += feeder.datagrams) {
    feeder.feed()
    missing = feeder.datagrams
    const startNs = process.hrtime.bigint()
    await new Promise<void>((resolve) => {
      onAll = resolve
    })
    samples.push(Number(process.hrtime.bigint() - startNs) / feeder.datagrams)
  }
  feeder.close()
  socket.close()
  return { 'ns per event': median(samples.slice(samples.length * WARM_UP)) }
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
  let expected = 0
  let onAll = () => {}
  socket.on('message', (bytes) => {
    kept.push(bytes)
    if (kept.length === expected) onAll()
  })
  const fill = async (target: number) => {
    while (kept.length < target) {
      expected += feeder.datagrams
      const all = new Promise<void>((resolve) => {
        onAll = resolve
      })
      feeder.feed()
      await all
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

/** Share of the samples during which the code is still being compiled. */
const WARM_UP = 0.2
