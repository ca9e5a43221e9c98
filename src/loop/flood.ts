/**
 * Decides how long a socket is polled, once per loop iteration, instead of watched: until few messages have arrived in
 * `QUIET_ITERATIONS`. With a shorter wait, a receiver that is faster than its sender would return to the epoll after each batch,
 * and the sender would pay for waking it. After several waits in vain, the next floods end without one.
 */
export class Flood {
  #isBusy = false
  /** Number of messages that were received, and of loop iterations, since the socket was last busy. */
  #received = 0
  #quiet = QUIET_ITERATIONS
  /** Number of successive waits in vain, and of next floods that end without a wait. */
  #vain = 0
  #short = 0

  /** Begins or continues the flood: many messages were received or are about to be sent. */
  begin(): void {
    this.#isBusy = true
  }

  /**
   * Counts messages that were received in one loop iteration. Begins or continues the flood if they are many.
   *
   * @returns true if they are many: more are expected at once
   */
  received(messages: number): boolean {
    this.#received += messages
    if (messages < LARGE_BATCH) return false
    this.begin()
    return true
  }

  /** Returns true if there is no flood. Call it once per loop iteration. */
  isOver(): boolean {
    const isWaiting = this.#quiet < QUIET_ITERATIONS
    if (this.#isBusy || (isWaiting && this.#received >= LARGE_BATCH)) {
      if (isWaiting && this.#quiet > 0) this.#vain = 0
      this.#isBusy = false
      this.#received = 0
      this.#quiet = 0
      return false
    }
    if (!isWaiting) return true
    if (this.#short > 0) {
      this.#short -= 1
      this.#quiet = QUIET_ITERATIONS
      return true
    }
    this.#quiet += 1
    if (this.#quiet < QUIET_ITERATIONS) return false
    this.#vain = Math.min(this.#vain + 1, MAX_VAIN)
    if (this.#vain >= TOLERATED_VAIN) this.#short = 2 ** (this.#vain - TOLERATED_VAIN)
    return true
  }
}

/** Number of messages from which a socket is busy: to pause a watch costs as much as half this number of wake-ups. */
export const LARGE_BATCH = 64

/** An iteration that receives nothing takes about 2.5 us. */
const QUIET_ITERATIONS = 128

const TOLERATED_VAIN = 4
const MAX_VAIN = TOLERATED_VAIN + 8
