import { SendBatch } from '../library.js'
import { preparedInPlace } from './prepared-in-place.js'
import type { Strategy, StrategyDefinition } from './strategy.js'

/** The library's own way: headers are wired up once, and filling a batch writes what changed. */
export const LIBRARY: StrategyDefinition = {
  name: 'library',
  describe: 'headers built once, only lengths written (this library)',
  open({ batch, sizeBytes, destination }): Strategy {
    const messages = new SendBatch({ capacity: batch, slotBytes: Math.max(1, sizeBytes) })
    return preparedInPlace(messages.slots.headerAddress(0), batch, () => {
      messages.clear()
      for (let message = 0; message < batch; message += 1) messages.reserve(sizeBytes, destination)
    })
  },
}
