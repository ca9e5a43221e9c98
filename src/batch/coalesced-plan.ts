import { copyWords, iovecWords, messageWords } from '../layout/message.js'
import { writePointer } from '../layout/pointer.js'
import { MAX_MESSAGES_PER_CALL } from '../libc/constants.js'
import { Arena } from '../memory/arena.js'
import type { SendOrder } from './send-order.js'
import { maxPayloadBytes, type Offload, type PlannedMessages, type Progress, type SendPlan } from './send-plan.js'
import type { SendSlots } from './send-slots.js'

/**
 * Coalesces the caller's messages into GSO sends. Messages of one size to one destination at consecutive positions, of which
 * the last may be shorter, share one header. No payload is copied: a header has one iovec per message.
 */
export class CoalescedPlan implements SendPlan {
  address = 0
  count = 0
  segmentBytes = 0
  readonly #messages: PlannedMessages
  readonly #slots: SendSlots
  readonly #order: SendOrder
  readonly #maxSegments: number
  readonly #message = messageWords()
  readonly #iovec = iovecWords()
  readonly #arena: Arena<'headers' | 'iovecs'>
  readonly #runs: Uint16Array
  readonly #progress: Progress = { messages: 0, segments: 0, gsoSends: 0, gsoSegments: 0 }
  #start = 0

  constructor(messages: PlannedMessages, maxSegments: number) {
    const headers = Math.min(messages.capacity, MAX_MESSAGES_PER_CALL)
    this.#messages = messages
    this.#slots = messages.slots
    this.#order = messages.order
    this.#maxSegments = maxSegments
    this.#arena = new Arena({
      headers: headers * this.#message.stride * 4,
      iovecs: messages.capacity * this.#iovec.stride * 4,
    })
    this.#runs = new Uint16Array(headers)
  }

  get firstMessages(): number {
    return this.#runs[0]
  }

  /** @param offload - returns the largest segment size for a destination; undefined for single datagrams */
  prepare(start: number, end: number, offload: Offload | undefined): this {
    const runs = this.#runs
    this.#start = start
    let count = 0
    let next = start
    while (next < end && count < runs.length) {
      const length = offload === undefined ? 1 : this.#runLength(next, end, offload)
      runs[count] = length
      count += 1
      next += length
    }
    // With nothing to coalesce and nothing moved, use the headers of the slots.
    const isDirect = count === next - start && !this.#order.isChanged
    if (!isDirect) this.#write(start, count)
    const first = this.#order.slotAt(start)
    this.address = isDirect ? this.#slots.headerAddress(first) : this.#arena.slabs.headers.address
    this.count = count
    this.segmentBytes = runs[0] > 1 ? this.#slots.size(first) : this.#slots.segmentBytes(first)
    return this
  }

  accept(headers: number): Progress {
    const progress = this.#progress
    progress.messages = 0
    progress.gsoSends = 0
    progress.gsoSegments = 0
    for (let header = 0; header < headers; header += 1) {
      const length = this.#runs[header]
      if (length > 1) {
        progress.gsoSends += 1
        progress.gsoSegments += length
      } else if (this.#messages.segmented > 0) {
        this.#acceptOwnSegments(this.#order.slotAt(this.#start + progress.messages))
      }
      progress.messages += length
    }
    return progress
  }

  #acceptOwnSegments(slot: number): void {
    if (this.#slots.segmentBytes(slot) === 0) return
    this.#progress.gsoSends += 1
    this.#progress.gsoSegments += this.#slots.segments(slot)
  }

  /** Writes a header for each of the first `count` runs. */
  #write(start: number, count: number): void {
    const { words, slabs } = this.#arena
    const { stride, iov, iovLength } = this.#message
    const slots = this.#slots
    let position = start
    let at = slabs.headers.offset / 4
    let iovecs = 0
    for (let run = 0; run < count; run += 1) {
      const length = this.#runs[run]
      const slot = this.#order.slotAt(position)
      copyWords(slots.words, slots.headerAt(slot), words, at, stride)
      if (length > 1) {
        words[at + iovLength] = length
        slots.useControl(words, at, slot, slots.size(slot))
        if (this.#order.isChanged) {
          writePointer(words, at + iov, slabs.iovecs.address + iovecs * this.#iovec.stride * 4)
          this.#copyIovecs(position, length, iovecs)
          iovecs += length
        }
      }
      position += length
      at += stride
    }
  }

  /** Copies the iovecs of `length` positions, whose slots are not adjacent, to iovec `to` of the plan. */
  #copyIovecs(start: number, length: number, to: number): void {
    const { words, slabs } = this.#arena
    const slots = this.#slots
    const { stride } = this.#iovec
    let at = slabs.iovecs.offset / 4 + to * stride
    for (let position = start; position < start + length; position += 1) {
      copyWords(slots.words, slots.iovecAt(this.#order.slotAt(position)), words, at, stride)
      at += stride
    }
  }

  /** Number of messages, from position `start` on, that form one GSO send; 1 for none. */
  #runLength(start: number, end: number, offload: Offload): number {
    const messages = this.#messages
    const slots = this.#slots
    const order = this.#order
    const first = order.slotAt(start)
    const destination = messages.destination(first)
    // With one message per destination, only this comparison is made.
    if (start + 1 === end || messages.destination(order.slotAt(start + 1)) !== destination) return 1
    const size = slots.size(first)
    // An empty datagram cannot be a segment: concatenation would lose it.
    if (size === 0 || size > offload.maxSegmentBytes(destination) || slots.segmentBytes(first) !== 0) return 1
    const limit = Math.min(end, start + this.#maxSegments, start + Math.floor(maxPayloadBytes(destination) / size))
    const { hasOptions } = messages
    let next = start + 1
    while (next < limit) {
      const slot = order.slotAt(next)
      const nextSize = slots.size(slot)
      if (nextSize === 0 || nextSize > size || messages.destination(slot) !== destination) break
      if (hasOptions && (slots.segmentBytes(slot) !== 0 || !slots.sameOptions(first, slot))) break
      next += 1
      if (nextSize < size) break
    }
    return next - start
  }
}
