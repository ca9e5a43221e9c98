import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Feeder, openSocket } from './sockets.js'
import type { Figures, Task } from './task.js'

/**
 * How much memory a received datagram takes that is kept: what V8 accounts for, and what the process has from the system,
 * which only means something for many.
 */
export async function keptBytes({ contender, sizeBytes, count }: Task): Promise<Figures> {
  setFlagsFromString('--expose-gc')
  const collectGarbage: () => void = runInNewContext('gc')
  const socket = await openSocket(contender)
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
  // What the first datagrams bring along, code and receiving slots, is not theirs.
  await fill(feeder.datagrams)
  collectGarbage()
  const [before, keptBefore] = [process.memoryUsage(), kept.length]
  await fill(count)
  collectGarbage()
  collectGarbage()
  const after = process.memoryUsage()
  const each = (bytes: number) => bytes / (kept.length - keptBefore)
  feeder.close()
  socket.close()
  return {
    'bytes each': each(after.heapUsed + after.external - before.heapUsed - before.external),
    'resident bytes each': each(after.rss - before.rss),
  }
}
