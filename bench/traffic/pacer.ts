/** A clock that tests can replace. */
export interface Clock {
  nowMs(): number
  /** Blocks the thread. */
  sleepMs(durationMs: number): void
}

/** The system's clock. */
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
