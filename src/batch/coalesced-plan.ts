import { copyMessage, messageWords } from '../layout/message.js'
import { MAX_MESSAGES_PER_CALL } from '../libc/constants.js'
import { Arena } from '../memory/arena.js'
import { maxPayloadBytes, type Offload, type PlannedMessages, type Progress, type SendPlan } from './send-plan.js'
import type { SendSlots } from './send-slots.js'

/**
 * Coalesces the caller's messages into GSO sends. Consecutive messages of one size to one destination, of which the last may
 * be shorter, share one header. No payload is copied, because the iovecs of their slots are adjacent.
 */
export class CoalescedPlan implements SendPlan {
  address = 0
  count = 0
  segmentBytes = 0
  readonly #messages: PlannedMessages
  readonly #slots: SendSlots
  readonly #maxSegments: number
  readonly #arena: Arena<'headers'>
  readonly #runs: Uint16Array
  readonly #message = messageWords()
  readonly #progress: Progress = { messages: 0, segments: 0 }

  constructor(messages: PlannedMessages, maxSegments: number) {
    const headers = Math.min(messages.capacity, MAX_MESSAGES_PER_CALL)
    this.#messages = messages
    this.#slots = messages.slots
    this.#maxSegments = maxSegments
    this.#arena = new Arena({ headers: headers * this.#message.stride * 4 })
    this.#runs = new Uint16Array(headers)
  }

  get firstMessages(): number {
    return this.#runs[0]
  }

  /** @param offload - returns the largest segment size for a destination */
  prepare(start: number, end: number, offload: Offload): this {
    const runs = this.#runs
    let count = 0
    let next = start
    while (next < end && count < runs.length) {
      const length = this.#runLength(next, end, offload)
      runs[count] = length
      count += 1
      next += length
    }
    // Nothing to coalesce: use the headers of the slots.
    const isDirect = count === next - start
    if (!isDirect) this.#write(start, count)
    this.address = isDirect ? this.#slots.headerAddress(start) : this.#arena.slabs.headers.address
    this.count = count
    this.segmentBytes = runs[0] > 1 ? this.#slots.size(start) : this.#slots.segmentBytes(start)
    return this
  }

  accept(headers: number): Progress {
    this.#progress.messages = 0
    for (let header = 0; header < headers; header += 1) this.#progress.messages += this.#runs[header]
    return this.#progress
  }

  /** Writes a header for each of the first `count` runs. */
  #write(start: number, count: number): void {
    const { words, slabs } = this.#arena
    const { stride, iovLength } = this.#message
    const slots = this.#slots
    let slot = start
    let at = slabs.headers.offset / 4
    for (let run = 0; run < count; run += 1) {
      const length = this.#runs[run]
      copyMessage(slots.words, slots.headerAt(slot), words, at, stride)
      if (length > 1) {
        words[at + iovLength] = length
        slots.useControl(words, at, slot, slots.size(slot))
      }
      slot += length
      at += stride
    }
  }

  /** Number of messages, starting with `first`, that form one GSO send; 1 for none. */
  #runLength(first: number, end: number, offload: Offload): number {
    const messages = this.#messages
    const slots = this.#slots
    const destination = messages.destination(first)
    // With alternating destinations, only this comparison is made.
    if (first + 1 === end || messages.destination(first + 1) !== destination) return 1
    const size = slots.size(first)
    // An empty datagram cannot be a segment: concatenation would lose it.
    if (size === 0 || size > offload.maxSegmentBytes(destination) || slots.segmentBytes(first) !== 0) return 1
    const limit = Math.min(end, first + this.#maxSegments, first + Math.floor(maxPayloadBytes(destination) / size))
    let next = first + 1
    while (next < limit) {
      const nextSize = slots.size(next)
      const fits = nextSize > 0 && nextSize <= size && slots.segmentBytes(next) === 0
      if (!fits || messages.destination(next) !== destination || !slots.sameOptions(first, next)) break
      next += 1
      if (nextSize < size) break
    }
    return next - first
  }
}
