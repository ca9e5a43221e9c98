import { monotonicMicroseconds } from './clock.js'
import { Pacer } from './pacer.js'
import type { SendCounts } from './sender.js'

/** The part that all senders share: counts, sequence numbers, pacing, and when to read the clock. */
export class SendSchedule {
  readonly counts: SendCounts = { packets: 0, sendCalls: 0, wouldBlock: 0, errors: 0 }
  /** The stream of this round. */
  stream = 0
  /** The sequence number of the next datagram. */
  sequence = 0
  /** The clock as last read. */
  microseconds = 0
  readonly #pacer: Pacer | undefined
  readonly #packetsPerTurn: number

  /** @param batch - number of datagrams that are sent at once */
  constructor(batch: number, packetsPerSecond: number | undefined) {
    this.#pacer = packetsPerSecond === undefined ? undefined : new Pacer(packetsPerSecond)
    // Reading the clock costs up to a tenth of a send, so without pacing it is read once per 64 datagrams.
    this.#packetsPerTurn = this.#pacer === undefined ? Math.max(batch, CLOCK_EVERY_PACKETS) : batch
  }

  begin(stream: number): void {
    Object.assign(this.counts, { packets: 0, sendCalls: 0, wouldBlock: 0, errors: 0 })
    this.stream = stream
    this.sequence = 0
    this.#pacer?.begin()
  }

  /**
   * Waits until the next datagrams are due and reads the clock.
   *
   * @returns how many packets to send before the next call; 0 if the time is up
   */
  next(untilMs: number): number {
    if (this.#pacer !== undefined && !this.#pacer.waitFor(this.sequence, untilMs)) return 0
    const nowMs = performance.now()
    this.microseconds = monotonicMicroseconds(nowMs)
    return nowMs < untilMs ? this.#packetsPerTurn : 0
  }

  /** Waits until the packet after the last one is due. */
  settle(untilMs: number): void {
    this.#pacer?.waitFor(this.sequence, untilMs)
  }
}

const CLOCK_EVERY_PACKETS = 64
