import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Feeder, openSocket } from './sockets.js'
import type { Figures, Task } from './task.js'

/** How much memory a received datagram takes that is kept. */
export async function keptBytes({ contender, sizeBytes, count }: Task): Promise<Figures> {
  setFlagsFromString('--expose-gc')
  const collectGarbage: () => void = runInNewContext('gc')
  const socket = await openSocket(contender)
  const feeder = new Feeder(socket.address().port, sizeBytes)
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
  const [rssBefore, keptBefore] = [process.memoryUsage.rss(), kept.length]
  await fill(count)
  collectGarbage()
  collectGarbage()
  const bytes = (process.memoryUsage.rss() - rssBefore) / (kept.length - keptBefore)
  feeder.close()
  socket.close()
  return { 'bytes each': bytes }
}
