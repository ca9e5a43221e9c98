import type { RecvBatch } from '../batch/recv-batch.js'
import { SO_RXQ_OVFL, SOL_SOCKET } from '../libc/constants.js'
import { setIntegerOption } from './option.js'

/**
 * Follows the kernel's count of datagrams dropped at one socket (SO_RXQ_OVFL, socket(7)): an unsigned 32-bit number
 * that wraps, comes with the datagrams, and is left out while it is zero.
 */
export class DropCounter {
  readonly #isOn: boolean
  #last = 0
  #total = 0

  constructor(fd: number, isOn: boolean) {
    this.#isOn = isOn
    if (isOn) setIntegerOption(fd, SOL_SOCKET, SO_RXQ_OVFL, 1)
  }

  get total(): number | undefined {
    return this.#isOn ? this.#total : undefined
  }

  /** Takes the count that came with the last datagram of a batch. */
  note(batch: RecvBatch): void {
    if (!this.#isOn) return
    const count = batch.control.dropCount(batch.length - 1)
    if (count === undefined) return
    this.#total += (count - this.#last) >>> 0
    this.#last = count
  }
}
