import type { Endpoint } from '../endpoint/endpoint.js'
import { MAX_MESSAGES_PER_CALL } from '../libc/constants.js'
import type { Address } from '../libc/libc.js'
import type { SendOrder } from './send-order.js'
import type { SendSlots } from './send-slots.js'

/** Messages of a batch, as plans use them. They are sent by position; `order` has the slot of each. */
export interface PlannedMessages {
  readonly capacity: number
  readonly slots: SendSlots
  /** Number of messages accepted or skipped: the position of the next one. */
  readonly sent: number
  /** Number of messages with their own segment size. */
  readonly segmented: number
  /** True if any message has options of its own. */
  readonly hasOptions: boolean
  readonly order: SendOrder
  /** Destination of a message; undefined for the connected peer. */
  destination(slot: number): Endpoint | undefined
  /** Records that the kernel accepted `count` more messages. */
  advance(count: number): void
}

/** Headers of one sendmmsg call, for consecutive positions. */
export interface SendPlan {
  /** Address of the first header. */
  readonly address: Address
  /** Number of headers, 1 to 1024. */
  readonly count: number
  /** Segment size of the first header; 0 if it is a single datagram. */
  readonly segmentBytes: number
  /** Number of the caller's messages in the first header: more than 1 for a GSO send of coalesced messages. */
  readonly firstMessages: number
  /** Returns the progress of the batch after the kernel accepted the first `headers` headers. */
  accept(headers: number): Progress
}

/** Current GSO support of a socket. */
export interface Offload {
  readonly isOn: boolean
  /** Largest segment size for a destination, in bytes, that has not been rejected. */
  maxSegmentBytes(destination: Endpoint | undefined): number
}

/** Progress of a batch in one call. */
export interface Progress {
  /** Number of messages that are completely sent. */
  messages: number
  /** Number of segments already sent of the message that follows. */
  segments: number
  /** Number of headers that were GSO sends, and of their segments. */
  gsoSends: number
  gsoSegments: number
}

/** Fast path: the batch's own headers, one per message, in the order of the slots. */
export class DirectPlan implements SendPlan {
  address = 0
  count = 0
  segmentBytes = 0
  readonly firstMessages = 1
  readonly #messages: PlannedMessages
  readonly #slots: SendSlots
  readonly #progress: Progress = { messages: 0, segments: 0, gsoSends: 0, gsoSegments: 0 }
  #start = 0

  constructor(messages: PlannedMessages) {
    this.#messages = messages
    this.#slots = messages.slots
  }

  prepare(start: number, end: number): this {
    this.#start = start
    this.address = this.#slots.headerAddress(start)
    this.count = Math.min(end - start, MAX_MESSAGES_PER_CALL)
    this.segmentBytes = this.#slots.segmentBytes(start)
    return this
  }

  accept(headers: number): Progress {
    const progress = this.#progress
    progress.messages = headers
    progress.gsoSends = 0
    progress.gsoSegments = 0
    if (this.#messages.segmented === 0) return progress
    for (let slot = this.#start; slot < this.#start + headers; slot += 1) {
      if (this.#slots.segmentBytes(slot) === 0) continue
      progress.gsoSends += 1
      progress.gsoSegments += this.#slots.segments(slot)
    }
    return progress
  }
}

/**
 * Largest payload of one send in bytes, including all segments of a GSO send: 65,535 bytes of an IP packet minus headers. For
 * the connected peer, whose family the batch does not contain, the smaller value of both families.
 */
export function maxPayloadBytes(destination: Endpoint | undefined): number {
  return destination?.family === 'ipv6' && !destination.isMapped ? 65_527 : 65_507
}
