import { copyWords, iovecWords, messageWords } from '../layout/message.js'
import { writePointer } from '../layout/pointer.js'
import { MAX_MESSAGES_PER_CALL } from '../libc/constants.js'
import { Arena } from '../memory/arena.js'
import type { SendOrder } from './send-order.js'
import type { PlannedMessages, Progress, SendPlan } from './send-plan.js'
import type { SendSlots } from './send-slots.js'

/**
 * Sends GSO messages as single datagrams, one header per segment, if the kernel or the device does not support GSO. The
 * payload is not copied. The first message may be partly sent.
 */
export class SegmentPlan implements SendPlan {
  address = 0
  count = 0
  readonly segmentBytes = 0
  readonly firstMessages = 1
  readonly #slots: SendSlots
  readonly #order: SendOrder
  readonly #message = messageWords()
  readonly #iovec = iovecWords()
  readonly #arena = new Arena({
    headers: MAX_MESSAGES_PER_CALL * this.#message.stride * 4,
    iovecs: MAX_MESSAGES_PER_CALL * this.#iovec.stride * 4,
  })
  /** 1 if a header is the last datagram of its message. */
  readonly #isLast = new Uint8Array(MAX_MESSAGES_PER_CALL)
  readonly #progress: Progress = { messages: 0, segments: 0, gsoSends: 0, gsoSegments: 0 }
  #segmentsBefore = 0

  constructor({ slots, order }: PlannedMessages) {
    this.#slots = slots
    this.#order = order
  }

  /** @param segments - number of segments of the message at `start` that are already sent */
  prepare(start: number, end: number, segments: number): this {
    let header = 0
    let skipped = segments
    for (let position = start; position < end && header < MAX_MESSAGES_PER_CALL; position += 1) {
      const slot = this.#order.slotAt(position)
      const size = this.#slots.size(slot)
      const step = this.#slots.segmentBytes(slot) || size
      let offset = skipped * step
      skipped = 0
      do {
        const length = Math.min(step, size - offset)
        this.#write(header, slot, offset, length)
        offset += length
        this.#isLast[header] = offset >= size ? 1 : 0
        header += 1
      } while (offset < size && header < MAX_MESSAGES_PER_CALL)
    }
    this.#segmentsBefore = segments
    this.address = this.#arena.slabs.headers.address
    this.count = header
    return this
  }

  accept(headers: number): Progress {
    const progress = this.#progress
    progress.messages = 0
    progress.segments = this.#segmentsBefore
    for (let header = 0; header < headers; header += 1) {
      progress.segments += 1
      if (this.#isLast[header] === 0) continue
      progress.messages += 1
      progress.segments = 0
    }
    return progress
  }

  #write(header: number, slot: number, offset: number, byteLength: number): void {
    const { words, slabs } = this.#arena
    const at = slabs.headers.offset / 4 + header * this.#message.stride
    const iovecAt = slabs.iovecs.offset / 4 + header * this.#iovec.stride
    copyWords(this.#slots.words, this.#slots.headerAt(slot), words, at, this.#message.stride)
    writePointer(words, at + this.#message.iov, slabs.iovecs.address + header * this.#iovec.stride * 4)
    this.#slots.useControl(words, at, slot, 0)
    writePointer(words, iovecAt + this.#iovec.base, this.#slots.payloadAddress(slot) + offset)
    words[iovecAt + this.#iovec.length] = byteLength
  }
}
