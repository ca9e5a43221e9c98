import { type Endpoint, positionHint, setPositionHint } from '../endpoint/endpoint.js'

/**
 * Order in which the messages of a batch are sent. Initially that of their slots; `group` moves the messages of one
 * destination next to each other, so that they can share a GSO send.
 */
export class SendOrder {
  /** False while each position holds the slot of the same number. */
  isChanged = false
  readonly #destinations: readonly (Endpoint | undefined)[]
  readonly #slots: Uint32Array
  /** Copy of `#slots` while they are reordered. */
  readonly #before: Uint32Array
  /** The next position of the same destination. */
  readonly #next: Uint32Array
  /** First position of each destination, in the order of first appearance. */
  readonly #heads: Uint32Array
  /** Position up to which messages are grouped. */
  #groupedUntil = 0

  /** @param destinations - by slot */
  constructor(destinations: readonly (Endpoint | undefined)[]) {
    this.#destinations = destinations
    const capacity = destinations.length
    this.#slots = Uint32Array.from(destinations.keys())
    this.#before = new Uint32Array(capacity)
    this.#next = new Uint32Array(capacity)
    this.#heads = new Uint32Array(capacity)
  }

  /** Slot of the message at a position. */
  slotAt(position: number): number {
    return this.isChanged ? this.#slots[position] : position
  }

  /**
   * Groups the positions from `start` to `end` by destination. The order of messages to one destination stays, and the
   * message at `start` stays first, because it may be partly sent.
   */
  group(start: number, end: number): void {
    if (end <= this.#groupedUntil) return
    this.#groupedUntil = end
    const heads = this.#link(start, end)
    if (heads > 0) this.#reorder(start, end, heads)
  }

  /** Returns to the order of the slots. */
  reset(): void {
    if (this.isChanged) {
      for (let slot = 0; slot < this.#groupedUntil; slot += 1) this.#slots[slot] = slot
    }
    this.isChanged = false
    this.#groupedUntil = 0
  }

  /** Links the positions of each destination. @returns number of destinations; 0 if they are grouped already */
  #link(start: number, end: number): number {
    const next = this.#next
    const heads = this.#heads
    let count = 0
    let isGrouped = true
    let previous: Endpoint | undefined
    let connectedHint = end
    for (let position = start; position < end; position += 1) {
      const destination = this.#destinations[this.slotAt(position)]
      next[position] = 0
      let last = position - 1
      if (position === start || destination !== previous) {
        last = destination === undefined ? connectedHint : positionHint(destination)
        if (this.#isEarlier(last, start, position, destination)) {
          isGrouped = false
        } else {
          last = -1
          heads[count] = position
          count += 1
        }
      }
      if (last >= 0) next[last] = position
      if (destination === undefined) connectedHint = position
      else setPositionHint(destination, position)
      previous = destination
    }
    return isGrouped ? 0 : count
  }

  /**
   * Returns true if a hint is the last position of a destination. A hint may come from another batch, so it is checked. It is
   * the last one if it is right, because every position sets the hint of its destination.
   */
  #isEarlier(hint: number, start: number, position: number, destination: Endpoint | undefined): boolean {
    return hint >= start && hint < position && this.#destinations[this.slotAt(hint)] === destination
  }

  #reorder(start: number, end: number, heads: number): void {
    for (let position = start; position < end; position += 1) this.#before[position] = this.#slots[position]
    this.isChanged = true
    let at = start
    for (let head = 0; head < heads; head += 1) {
      // 0 ends a list: a position follows another one, so it is never the first.
      for (let position = this.#heads[head]; ; position = this.#next[position]) {
        this.#slots[at] = this.#before[position]
        at += 1
        if (this.#next[position] === 0) break
      }
    }
  }
}
