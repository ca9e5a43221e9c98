import type { Endpoint } from '../endpoint/endpoint.js'
import { MAX_MESSAGES_PER_CALL } from '../libc/constants.js'
import type { Address } from '../libc/libc.js'
import type { SendSlots } from './send-slots.js'

/** What one sendmmsg call is to get: a row of headers, standing for the caller's messages from some index on. */
export interface SendPlan {
  /** The first header. */
  readonly address: Address
  /** How many headers, 1 to 1024. */
  readonly count: number
  /** If the first header is a train: how long its datagrams are. Otherwise 0. */
  readonly trainBytes: number
  /** If the first header is a train: how many of the caller's messages it stands for. Otherwise 1. */
  readonly firstMessages: number
  /** Takes note that the kernel accepted the first `headers` of them. */
  accept(headers: number): Progress
}

/** How far a call brought a batch. */
export interface Progress {
  /** How many of the caller's messages are done. */
  messages: number
  /** How many datagrams of the message after those are out already. */
  segments: number
}

/** The batch's own headers: one a message. The way without detours. */
export class DirectPlan implements SendPlan {
  address = 0
  count = 0
  trainBytes = 0
  readonly firstMessages = 1
  readonly #slots: SendSlots
  readonly #progress: Progress = { messages: 0, segments: 0 }

  constructor(slots: SendSlots) {
    this.#slots = slots
  }

  prepare(start: number, end: number): this {
    this.address = this.#slots.headerAddress(start)
    this.count = Math.min(end - start, MAX_MESSAGES_PER_CALL)
    this.trainBytes = this.#slots.segmentBytes(start)
    return this
  }

  accept(headers: number): Progress {
    this.#progress.messages = headers
    return this.#progress
  }
}

/**
 * What one send may carry: the IP packet's 65,535 bytes less the headers. With a train this goes for the whole of it.
 * To the connected peer, whose family the batch does not know, the smaller.
 */
export function maxPayloadBytes(destination: Endpoint | undefined): number {
  return destination?.family === 'ipv6' && !destination.isMapped ? 65_527 : 65_507
}
