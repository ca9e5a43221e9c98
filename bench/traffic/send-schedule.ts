import { monotonicMicroseconds } from './clock.js'
import type { SendCounts } from './sender.js'

/** The part that all senders share: counts, sequence numbers, pacing, and when to read the clock. */
export class SendSchedule {
  readonly counts: SendCounts = { packets: 0, sendCalls: 0, wouldBlock: 0, errors: 0 }
  stream = 0
  sequence = 0
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

/** A clock that tests can replace. */
export interface Clock {
  nowMs(): number
  /** Blocks the thread. */
  sleepMs(durationMs: number): void
}

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  sleepMs: (durationMs) => void Atomics.wait(NEVER_NOTIFIED, 0, 0, durationMs),
}

/**
 * Limits the sending rate: packet n is due n / rate after the start. Delays up to 50 ms are caught up; after longer ones the
 * schedule is moved, so that no burst follows.
 */
export class Pacer {
  readonly #packetsPerMs: number
  readonly #clock: Clock
  #startMs = 0

  constructor(packetsPerSecond: number, clock: Clock = systemClock) {
    this.#packetsPerMs = packetsPerSecond / 1000
    this.#clock = clock
  }

  /** Starts the schedule: packet 0 is due now. */
  begin(): void {
    this.#startMs = this.#clock.nowMs()
  }

  /**
   * Waits until packet number `packet` is due, but not beyond `untilMs`: sleeps, and spins for the last millisecond.
   *
   * @returns true if it is due, false if the time ran out before
   */
  waitFor(packet: number, untilMs: number): boolean {
    const dueMs = this.#startMs + packet / this.#packetsPerMs
    let nowMs = this.#clock.nowMs()
    if (nowMs - dueMs > MAX_BEHIND_MS) this.#startMs += nowMs - dueMs - MAX_BEHIND_MS
    while (nowMs < dueMs && nowMs < untilMs) {
      const gapMs = Math.min(dueMs, untilMs) - nowMs
      if (gapMs > SPIN_MS) this.#clock.sleepMs(gapMs - SPIN_MS / 2)
      nowMs = this.#clock.nowMs()
    }
    return nowMs >= dueMs
  }
}

/** Returns the batch size for a rate: at most the packets that are due in 50 ms. */
export function pacedBatch(batch: number, packetsPerSecond: number | undefined): number {
  if (packetsPerSecond === undefined) return batch
  return Math.min(batch, Math.max(1, Math.floor(packetsPerSecond * 0.05)))
}

/** Below this, a sleep is not precise enough. */
const SPIN_MS = 1
const MAX_BEHIND_MS = 50
const NEVER_NOTIFIED = new Int32Array(new SharedArrayBuffer(4))
