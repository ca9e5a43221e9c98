import { monotonicMicroseconds } from '../workload/clock.js'
import { Pacer } from '../workload/pacer.js'
import type { SendCounts } from './sender.js'

/**
 * What all ways of sending have in common: the counts, the sequence numbers, the schedule, and when to look at the
 * clock.
 */
export class SendTurns {
  readonly counts: SendCounts = { packets: 0, sendCalls: 0, pollCalls: 0, wouldBlock: 0, errors: 0 }
  /** The stream of this round. */
  stream = 0
  /** The sequence number of the next message. */
  sequence = 0
  /** The clock as last read. */
  microseconds = 0
  readonly #pacer: Pacer | undefined
  readonly #packetsPerTurn: number

  /** @param batch - how many messages are sent at once */
  constructor(batch: number, packetsPerSecond: number | undefined) {
    this.#pacer = packetsPerSecond === undefined ? undefined : new Pacer(packetsPerSecond)
    // Reading the clock costs up to a tenth of a send, so unpaced it is read every so many messages only.
    this.#packetsPerTurn = this.#pacer === undefined ? Math.max(batch, CLOCK_EVERY_PACKETS) : batch
  }

  begin(stream: number): void {
    Object.assign(this.counts, { packets: 0, sendCalls: 0, pollCalls: 0, wouldBlock: 0, errors: 0 })
    this.stream = stream
    this.sequence = 0
    this.#pacer?.begin()
  }

  /**
   * Waits for the next turn and reads the clock.
   *
   * @returns how many packets to send before the next call; 0 if the time is up
   */
  next(untilMs: number): number {
    if (this.#pacer !== undefined && !this.#pacer.waitFor(this.sequence, untilMs)) return 0
    const nowMs = performance.now()
    this.microseconds = monotonicMicroseconds(nowMs)
    return nowMs < untilMs ? this.#packetsPerTurn : 0
  }

  /** Waits until the packet after the last is due. */
  settle(untilMs: number): void {
    this.#pacer?.waitFor(this.sequence, untilMs)
  }
}

const CLOCK_EVERY_PACKETS = 64
