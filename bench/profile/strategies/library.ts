import { libc, SendBatch } from '../library.js'
import type { Strategy, StrategyDefinition } from './strategy.js'

/** The library's own way: headers are wired up once, and filling a batch writes what changed. */
export const LIBRARY: StrategyDefinition = {
  name: 'library',
  describe: 'headers built once, only lengths written (this library)',
  open({ batch, sizeBytes, destination }): Strategy {
    const { sendmmsg } = libc()
    const messages = new SendBatch({ capacity: batch, slotBytes: Math.max(1, sizeBytes) })
    const headers = messages.slots.headerAddress(0)
    const prepare = () => {
      messages.clear()
      for (let message = 0; message < batch; message += 1) messages.reserve(sizeBytes, destination)
    }
    return {
      prepare,
      prepareAndSend: (fd, flags) => {
        prepare()
        return sendmmsg(fd, headers, batch, flags)
      },
      inspect: (look) => {
        prepare()
        look(headers)
      },
    }
  },
}
