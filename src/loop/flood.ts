/**
 * Decides how long a socket is polled, once per loop iteration, instead of watched: until few messages have arrived in
 * `QUIET_ITERATIONS`. With a shorter wait, a receiver that is faster than its sender would return to the epoll after each batch,
 * and the sender would pay for waking it. After several waits in vain, the next floods end without one.
 */
export class Flood {
  #isOn = false
  #isBusy = false
  /** Number of loop iterations of the flood, and of those since the socket was last busy. */
  #iterations = 0
  #quiet = 0
  /** Number of messages that were received since the socket was last busy. */
  #received = 0
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
   * @returns true if they are many
   */
  received(messages: number): boolean {
    this.#received += messages
    if (messages < LARGE_BATCH) return false
    this.begin()
    return true
  }

  /** Returns true if there is no flood. Call it once per loop iteration. */
  isOver(): boolean {
    if (!this.#isOn && !this.#isBusy) return true
    this.#iterations += 1
    if (this.#iterations > MAX_ITERATIONS) return this.#end()
    if (this.#isBusy || this.#received >= LARGE_BATCH) {
      if (this.#quiet > 0) this.#vain = 0
      this.#isOn = true
      this.#isBusy = false
      this.#quiet = 0
      this.#received = 0
      return false
    }
    if (this.#short > 0) {
      this.#short -= 1
      return this.#end()
    }
    this.#quiet += 1
    if (this.#quiet < QUIET_ITERATIONS) return false
    this.#vain = Math.min(this.#vain + 1, MAX_VAIN)
    if (this.#vain >= TOLERATED_VAIN) this.#short = 2 ** (this.#vain - TOLERATED_VAIN)
    return this.#end()
  }

  #end(): true {
    this.#isOn = false
    this.#isBusy = false
    this.#iterations = 0
    this.#quiet = 0
    return true
  }
}

/** Number of messages from which a socket is busy: to pause a watch costs as much as half this number of wake-ups. */
export const LARGE_BATCH = 64

/** An iteration that receives nothing takes about 1.7 us, on an AMD EPYC with one socket. */
const QUIET_ITERATIONS = 128

/** Then the epoll is asked once: it reports what receiving does not, such as shutdown(2) by another process. */
const MAX_ITERATIONS = 1024

const TOLERATED_VAIN = 4
const MAX_VAIN = TOLERATED_VAIN + 8
