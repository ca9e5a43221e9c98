import { median } from 'simple-statistics'
import { Feeder, openSocket } from './sockets.js'
import type { Figures, Task } from './task.js'

/**
 * What one `message` event costs when datagrams wait in the socket: nobody sends meanwhile, so that neither a sender's
 * pace nor the number of cores matters.
 */
export async function receiveCost({ contender, sizeBytes, count }: Task): Promise<Figures> {
  const socket = await openSocket(contender)
  const feeder = new Feeder(socket, sizeBytes)
  let missing = 0
  let onAll = () => {}
  socket.on('message', () => {
    missing -= 1
    if (missing === 0) onAll()
  })
  const blocks: number[] = []
  for (let received = 0; received < count; received += feeder.datagrams) {
    feeder.feed()
    missing = feeder.datagrams
    const startNs = process.hrtime.bigint()
    await new Promise<void>((resolve) => {
      onAll = resolve
    })
    blocks.push(Number(process.hrtime.bigint() - startNs) / feeder.datagrams)
  }
  feeder.close()
  socket.close()
  return { 'ns an event': median(blocks.slice(blocks.length * WARM_UP)) }
}

/** The share of the blocks during which the code is still being compiled. */
const WARM_UP = 0.2
