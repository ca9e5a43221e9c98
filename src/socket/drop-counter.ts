import type { ReceiveSide } from '../batch/recv-batch.js'
import { SK_MEMINFO_DROPS, SO_MEMINFO, SO_RXQ_OVFL, SOL_SOCKET } from '../libc/constants.js'
import type { Counters } from './counters.js'
import { log, publishDrop } from './diagnostics.js'
import { setIntegerOption, unsignedOption } from './option.js'

/**
 * Counts the datagrams dropped at one socket, from the kernel's unsigned 32-bit counter, which wraps. The kernel attaches the
 * counter to received datagrams unless it is zero (SO_RXQ_OVFL, socket(7)), so drops after the last datagram are not included.
 * From Linux 4.12 on, it can also be read at any time (SO_MEMINFO, net/core/sock.c).
 */
export class DropCounter {
  readonly #fd: number
  readonly #isOn: boolean
  readonly #counters: Counters
  #last = 0

  constructor(fd: number, isOn: boolean, counters: Counters) {
    this.#fd = fd
    this.#isOn = isOn
    this.#counters = counters
    if (isOn) setIntegerOption(fd, SOL_SOCKET, SO_RXQ_OVFL, 1)
  }

  /** Returns the current total; before Linux 4.12, that of the last received datagram. Undefined if drops are not counted. */
  total(isOpen: boolean): number | undefined {
    if (!this.#isOn) return undefined
    if (isOpen) this.refresh()
    return this.#counters.kernelDrops
  }

  /** Reads the kernel's counter, also if drops are not counted. Has no effect before Linux 4.12. */
  refresh(): void {
    this.#advance(unsignedOption(this.#fd, SOL_SOCKET, SO_MEMINFO, SK_MEMINFO_DROPS))
  }

  /** Reads the counter from the last datagram of a batch. */
  note({ control, slots }: ReceiveSide): void {
    if (this.#isOn) this.#advance(control.dropCount(slots.length - 1))
  }

  #advance(count: number | undefined): void {
    if (count === undefined) return
    const more = (count - this.#last) >>> 0
    // The counter of a datagram dates from its arrival, and may be older than the last value read from the kernel.
    if (more === 0 || more >= 2 ** 31) return
    this.#last = count
    this.#counters.dropped(more)
    log('the kernel dropped %d datagrams: the receive buffer was full', more)
    publishDrop(this.#counters, 'receive-buffer', more)
  }
}
