/** Time, to be replaced in tests. */
export interface Clock {
  nowMs(): number
  /** Blocks the thread. */
  sleepMs(durationMs: number): void
}

/** The real one. */
export const systemClock: Clock = {
  nowMs: () => performance.now(),
  sleepMs: (durationMs) => void Atomics.wait(NOBODY_NOTIFIES, 0, 0, durationMs),
}

/**
 * Holds sending to a schedule: packet n is due n / rate after the start. What is late is caught up with, as long as it
 * is little; who cannot keep up at all gets no burst later.
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
   * Waits until packet number `packet` is due, but never beyond `untilMs`: sleeping, and spinning for the last bit.
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

/** How many packets a batch may hold at a rate: what falls due in 50 ms at the most, so that slow is not coarse. */
export function pacedBatch(batch: number, packetsPerSecond: number | undefined): number {
  if (packetsPerSecond === undefined) return batch
  return Math.min(batch, Math.max(1, Math.floor(packetsPerSecond * 0.05)))
}

/** Below this a sleep is too coarse. */
const SPIN_MS = 1
const MAX_BEHIND_MS = 50
const NOBODY_NOTIFIES = new Int32Array(new SharedArrayBuffer(4))
