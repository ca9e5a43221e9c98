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
    const { words, slabs } = this.#arena
    const { stride, iovLength } = this.#message
    const slots = this.#slots
    let count = 0
    for (let slot = start; slot < end && count < this.#runs.length; count += 1) {
      const length = this.#runLength(slot, end, maxSegmentBytes)
      const at = slabs.headers.offset / 4 + count * stride
      copyMessage(slots.words, slots.headerAt(slot), words, at, stride)
      if (length > 1) {
        words[at + iovLength] = length
        slots.useControl(words, at, slot, slots.size(slot))
      }
      this.#runs[count] = length
      slot += length
    }
    this.address = slabs.headers.address
    this.count = count
    this.trainBytes = this.#runs[0] > 1 ? slots.size(start) : slots.segmentBytes(start)
    return this
  }

  accept(headers: number): Progress {
    this.#progress.messages = 0
    for (let header = 0; header < headers; header += 1) this.#progress.messages += this.#runs[header]
    return this.#progress
  }

  /** How many messages from `first` on make one train; 1 for none. */
  #runLength(first: number, end: number, maxSegmentBytes: number): number {
    const slots = this.#slots
    const size = slots.size(first)
    // An empty datagram has no place in a train: it would vanish in the concatenation.
    if (size === 0 || size > maxSegmentBytes || slots.segmentBytes(first) !== 0) return 1
    const destination = this.#destination(first)
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
