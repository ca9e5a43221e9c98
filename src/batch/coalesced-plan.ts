import type { Endpoint } from '../endpoint/endpoint.js'
import { copyMessage, messageWords } from '../layout/message.js'
import { MAX_MESSAGES_PER_CALL } from '../libc/constants.js'
import { Arena } from '../memory/arena.js'
import { maxPayloadBytes, type Progress, type SendPlan } from './send-plan.js'
import type { SendSlots } from './send-slots.js'

/**
 * Makes trains of the caller's messages: consecutive ones of one size to one destination, the last of which may be
 * shorter, become one header that gathers their slots. No payload is moved: the slots' iovecs are neighbours.
 */
export class CoalescedPlan implements SendPlan {
  address = 0
  count = 0
  trainBytes = 0
  readonly #slots: SendSlots
  readonly #destination: (slot: number) => Endpoint | undefined
  readonly #maxSegments: number
  readonly #arena: Arena<'headers'>
  readonly #runs: Uint16Array
  readonly #message = messageWords()
  readonly #progress: Progress = { messages: 0, segments: 0 }

  constructor(
    slots: SendSlots,
    capacity: number,
    maxSegments: number,
    destination: (slot: number) => Endpoint | undefined,
  ) {
    const headers = Math.min(capacity, MAX_MESSAGES_PER_CALL)
    this.#slots = slots
    this.#destination = destination
    this.#maxSegments = maxSegments
    this.#arena = new Arena({ headers: headers * this.#message.stride * 4 })
    this.#runs = new Uint16Array(headers)
  }

  get firstMessages(): number {
    return this.#runs[0]
  }

  /** @param maxSegmentBytes - messages longer than this stay by themselves */
  prepare(start: number, end: number, maxSegmentBytes: number): this {
    const runs = this.#runs
    let count = 0
    let next = start
    while (next < end && count < runs.length) {
      const length = this.#runLength(next, end, maxSegmentBytes)
      runs[count] = length
      count += 1
      next += length
    }
    // With no two messages to join, the slots' own headers will do.
    const isDirect = count === next - start
    if (!isDirect) this.#write(start, count)
    this.address = isDirect ? this.#slots.headerAddress(start) : this.#arena.slabs.headers.address
    this.count = count
    this.trainBytes = runs[0] > 1 ? this.#slots.size(start) : this.#slots.segmentBytes(start)
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

  /** How many messages from `first` on make one train; 1 for none. */
  #runLength(first: number, end: number, maxSegmentBytes: number): number {
    const slots = this.#slots
    const destination = this.#destination(first)
    // Where many are sent to in turn, that is all there is to know.
    if (first + 1 === end || this.#destination(first + 1) !== destination) return 1
    const size = slots.size(first)
    // An empty datagram has no place in a train: it would vanish in the concatenation.
    if (size === 0 || size > maxSegmentBytes || slots.segmentBytes(first) !== 0) return 1
    const limit = Math.min(end, first + this.#maxSegments, first + Math.floor(maxPayloadBytes(destination) / size))
    let next = first + 1
    while (next < limit) {
      const nextSize = slots.size(next)
      const fits = nextSize > 0 && nextSize <= size && slots.segmentBytes(next) === 0
      if (!fits || this.#destination(next) !== destination || !slots.sameMarks(first, next)) break
      next += 1
      if (nextSize < size) break
    }
    return next - first
  }
}
