import type { ReceiveSide } from '../batch/recv-batch.js'
import { SK_MEMINFO_DROPS, SO_MEMINFO, SO_RXQ_OVFL, SOL_SOCKET } from '../libc/constants.js'
import { setIntegerOption, unsignedOption } from './option.js'

/**
 * Follows the kernel's count of datagrams dropped at one socket: an unsigned 32-bit number that wraps. It comes with the
 * datagrams (SO_RXQ_OVFL, socket(7)), where it is left out while it is zero and says nothing of drops since; and, from
 * Linux 4.12 on, it can be asked for (SO_MEMINFO, net/core/sock.c).
 */
export class DropCounter {
  readonly #fd: number
  readonly #isOn: boolean
  #last = 0
  #total = 0

  constructor(fd: number, isOn: boolean) {
    this.#fd = fd
    this.#isOn = isOn
    if (isOn) setIntegerOption(fd, SOL_SOCKET, SO_RXQ_OVFL, 1)
  }

  /** As of now where the kernel can be asked, as of the last datagram otherwise; undefined if drops are not counted. */
  total(isOpen: boolean): number | undefined {
    if (!this.#isOn) return undefined
    if (isOpen) this.#advance(unsignedOption(this.#fd, SOL_SOCKET, SO_MEMINFO, SK_MEMINFO_DROPS))
    return this.#total
  }

  /** Takes the count that came with the last datagram of a batch. */
  note({ control, slots }: ReceiveSide): void {
    if (this.#isOn) this.#advance(control.dropCount(slots.length - 1))
  }

  #advance(count: number | undefined): void {
    if (count === undefined) return
    const more = (count - this.#last) >>> 0
    // A datagram's count is as old as the datagram: it can lie behind what the kernel has reported since.
    if (more >= 2 ** 31) return
    this.#total += more
    this.#last = count
  }
}
