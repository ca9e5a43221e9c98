import type { Endpoint } from '../endpoint/endpoint.js'
import { MAX_MESSAGES_PER_CALL } from '../libc/constants.js'
import type { Address } from '../libc/libc.js'
import type { SendSlots } from './send-slots.js'

/** The messages of a batch, as far as plans need them. */
export interface PlannedMessages {
  readonly capacity: number
  readonly slots: SendSlots
  /** Number of messages done with. */
  readonly sent: number
  /** Number of messages with a segment size of their own. */
  readonly segmented: number
  /** Destination of a message; undefined for the connected peer. */
  destination(slot: number): Endpoint | undefined
  /** Notes that the kernel accepted `count` more. */
  advance(count: number): void
}

/** One sendmmsg call: a row of headers, standing for the caller's messages from some index on. */
export interface SendPlan {
  /** Address of the first header. */
  readonly address: Address
  /** Number of headers, 1 to 1024. */
  readonly count: number
  /** Segment size of the first header; 0 if it is a single datagram. */
  readonly segmentBytes: number
  /** Number of the caller's messages that the first header stands for: more than 1 for a GSO send of joined messages. */
  readonly firstMessages: number
  /** Returns how far the batch is once the kernel accepted the first `headers` of them. */
  accept(headers: number): Progress
}

/** What a socket can do with GSO sends at the moment. */
export interface Offload {
  readonly isOn: boolean
  /** Largest segment that is not known to be rejected on the way to a destination. */
  maxSegmentBytes(destination: Endpoint | undefined): number
}

/** How far a call brought a batch. */
export interface Progress {
  /** Number of the caller's messages that are done. */
  messages: number
  /** Number of segments of the message after those that are out already. */
  segments: number
}

/** Fast path: the batch's own headers, one per message. */
export class DirectPlan implements SendPlan {
  address = 0
  count = 0
  segmentBytes = 0
  readonly firstMessages = 1
  readonly #slots: SendSlots
  readonly #progress: Progress = { messages: 0, segments: 0 }

  constructor(slots: SendSlots) {
    this.#slots = slots
  }

  prepare(start: number, end: number): this {
    this.address = this.#slots.headerAddress(start)
    this.count = Math.min(end - start, MAX_MESSAGES_PER_CALL)
    this.segmentBytes = this.#slots.segmentBytes(start)
    return this
  }

  accept(headers: number): Progress {
    this.#progress.messages = headers
    return this.#progress
  }
}

/**
 * Largest payload of one send, all segments of a GSO send together: the IP packet's 65,535 bytes less the headers.
 * For the connected peer, whose family the batch does not contain, the smaller of both families.
 */
export function maxPayloadBytes(destination: Endpoint | undefined): number {
  return destination?.family === 'ipv6' && !destination.isMapped ? 65_527 : 65_507
}
