import { type Endpoint, hashOf, isSameAddress } from '../endpoint/endpoint.js'

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
  /** Hash table of a position per destination. By address, because two endpoints can have the same one. */
  readonly #table: Int32Array
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
    this.#table = new Int32Array(tableSize(capacity))
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
    if (this.#hasOneDestination(start, end)) return
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

  /** Checks the most common case, which needs no table. */
  #hasOneDestination(start: number, end: number): boolean {
    if (this.isChanged) return false
    const destinations = this.#destinations
    const destination = destinations[start]
    for (let slot = start + 1; slot < end; slot += 1) if (destinations[slot] !== destination) return false
    return true
  }

  /** Links the positions of each destination. @returns number of destinations; 0 if they are grouped already */
  #link(start: number, end: number): number {
    const next = this.#next
    const table = this.#table
    const mask = tableSize(end - start) - 1
    table.fill(FREE, 0, mask + 1)
    let count = 0
    let isGrouped = true
    let entry = 0
    let previous: Endpoint | undefined
    for (let position = start; position < end; position += 1) {
      const destination = this.#destinations[this.slotAt(position)]
      next[position] = 0
      if (position > start && destination === previous) {
        next[position - 1] = position
        continue
      }
      if (position > start) table[entry] = position - 1
      entry = this.#find(destination, mask)
      const last = table[entry]
      if (last === FREE) {
        this.#heads[count] = position
        count += 1
      } else {
        next[last] = position
        if (last !== position - 1) isGrouped = false
      }
      table[entry] = position
      previous = destination
    }
    return isGrouped ? 0 : count
  }

  /** Returns the table's entry of a destination, or the free one for it. At most half of the table is in use. */
  #find(destination: Endpoint | undefined, mask: number): number {
    const table = this.#table
    let entry = destination === undefined ? 0 : hashOf(destination) & mask
    while (table[entry] !== FREE) {
      const found = this.#destinations[this.slotAt(table[entry])]
      if (found === destination || isSame(found, destination)) break
      entry = (entry + 1) & mask
    }
    return entry
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

function isSame(one: Endpoint | undefined, other: Endpoint | undefined): boolean {
  if (one === undefined || other === undefined) return false
  return hashOf(one) === hashOf(other) && isSameAddress(one, other)
}

/** Returns the size of a table for `count` destinations: a power of two, at least twice as large. */
function tableSize(count: number): number {
  return 1 << (33 - Math.clz32(Math.max(count, 1) - 1))
}

const FREE = -1
