/** Classification of a sequence number. */
export type Arrival = 'next' | 'reordered' | 'duplicate' | 'outdated'

/**
 * Distinguishes new sequence numbers from duplicate and late ones, with one bit per number, for the last `size` numbers up to
 * the highest received.
 */
export class SequenceWindow {
  readonly #size: number
  readonly #mask: number
  readonly #bits: Uint32Array
  #highest = -1

  /** @param size - number of sequence numbers: a power of two, at least 32 */
  constructor(size: number = 2 ** 20) {
    this.#size = size
    this.#mask = size - 1
    this.#bits = new Uint32Array(size / 32)
  }

  /** The highest number received; -1 before the first. */
  get highest(): number {
    return this.#highest
  }

  /**
   * Records a number.
   *
   * @returns `reordered` if a higher one came before it, `outdated` if it is below the window, so that it may be a duplicate
   */
  note(sequence: number): Arrival {
    if (sequence > this.#highest) {
      this.#advance(sequence)
      return 'next'
    }
    if (sequence <= this.#highest - this.#size) return 'outdated'
    const slot = sequence & this.#mask
    const mask = 1 << (slot & 31)
    const at = slot >>> 5
    if ((this.#bits[at] & mask) !== 0) return 'duplicate'
    this.#bits[at] |= mask
    return 'reordered'
  }

  #advance(sequence: number): void {
    if (sequence - this.#highest >= this.#size) this.#bits.fill(0)
    else for (let skipped = this.#highest + 1; skipped < sequence; skipped += 1) this.#clear(skipped & this.#mask)
    const slot = sequence & this.#mask
    this.#bits[slot >>> 5] |= 1 << (slot & 31)
    this.#highest = sequence
  }

  #clear(slot: number): void {
    this.#bits[slot >>> 5] &= ~(1 << (slot & 31))
  }
}
