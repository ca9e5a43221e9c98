import type { Random } from '../../../bench/stats/random.js'
import { SendBatch } from '../../../src/index.js'
import { bufferCost, type SendSpec } from '../plan/flow.js'
import { injectOnce } from './injected-faults.js'
import { between, MAX_BYTES, payloadLength } from './lengths.js'
import type { Outgoing } from './outgoing.js'
import { HEADER_BYTES, shortLength } from './payload.js'

/** One message of a batch, and the datagrams in it. */
export interface Message {
  readonly outgoing: Outgoing
  readonly datagrams: number
  readonly cost: number
}

/** Fills a socket's batch with the next datagrams of its flows, by every append method of `SendBatch`. */
export class Filler {
  readonly batch: SendBatch
  readonly #send: SendSpec
  readonly #outgoing: readonly Outgoing[]
  readonly #random: Random
  readonly #scratch = Buffer.alloc(MAX_BYTES)
  #flow = 0

  constructor(send: SendSpec, outgoing: readonly Outgoing[], random: Random) {
    this.#send = send
    this.#outgoing = outgoing
    this.#random = random
    const slotBytes = send.sizes === 'any' || send.kind === 'segments' ? MAX_BYTES : 1500
    this.batch = new SendBatch({ capacity: CAPACITY, slotBytes, coalesce: send.kind === 'coalesce' })
    // All pages are touched at the start. Pages that a rare length touches later would look like a leak.
    for (let slot = 0; slot < CAPACITY; slot += 1) this.batch.reserve(slotBytes).fill(0)
  }

  /** Clears the batch and appends up to about `datagrams`. Returns one entry per message of the batch. */
  fill(datagrams: number): Message[] {
    const { batch } = this
    batch.clear()
    const messages: Message[] = []
    let count = 0
    while (count < datagrams && batch.length + MAX_RUN < batch.capacity) {
      const before = messages.length
      const outgoing = this.#outgoing[this.#flow]
      this.#flow = (this.#flow + 1) % this.#outgoing.length
      this.#append(outgoing, messages)
      // The window of this flow is full. The other flows may have space in the next round.
      if (messages.length === before) break
      for (const message of messages.slice(before)) count += message.datagrams
    }
    return messages
  }

  #append(outgoing: Outgoing, messages: Message[]): void {
    const { kind } = this.#send
    if (kind === 'segments') this.#appendSegments(outgoing, messages)
    else if (kind === 'coalesce') this.#appendRun(outgoing, messages)
    else this.#appendOne(outgoing, this.#length(outgoing), messages)
  }

  /** Appends datagrams of one length, the last of which may be shorter, as `coalesce` requires for GSO. */
  #appendRun(outgoing: Outgoing, messages: Message[]): void {
    const length = this.#length(outgoing)
    const run = between(this.#random, 1, MAX_RUN)
    for (let index = 1; index < run; index += 1) this.#appendOne(outgoing, length, messages)
    this.#appendOne(outgoing, between(this.#random, HEADER_BYTES, length), messages)
  }

  #appendSegments(outgoing: Outgoing, messages: Message[]): void {
    const segmentBytes = between(this.#random, HEADER_BYTES, 1400)
    const count = between(this.#random, 1, Math.min(MAX_SEGMENTS, Math.floor(MAX_BYTES / segmentBytes)))
    const last = between(this.#random, HEADER_BYTES, segmentBytes)
    const cost = (count - 1) * bufferCost(segmentBytes) + bufferCost(last)
    if (!outgoing.hasRoom(cost)) return
    const payload = this.#scratch.subarray(0, (count - 1) * segmentBytes + last)
    for (let at = 0; at < payload.length; at += segmentBytes) outgoing.write(payload.subarray(at, at + segmentBytes))
    this.batch.append(payload, outgoing.destination, { ...this.#send.options, segmentBytes })
    messages.push({ outgoing, datagrams: count, cost })
  }

  #appendOne(outgoing: Outgoing, length: number, messages: Message[]): void {
    const cost = bufferCost(length)
    if (!outgoing.hasRoom(cost)) return
    if (injectOnce('lost-datagram', outgoing.flow.from.name)) {
      outgoing.write(this.#scratch.subarray(0, length))
      outgoing.settle(1, cost)
      return
    }
    messages.push({ outgoing, datagrams: 1, cost })
    // The duplicate is not counted as sent.
    if (this.#put(outgoing, length) === 2) messages.push({ outgoing, datagrams: 0, cost: 0 })
  }

  /** @returns the number of messages appended: one, or two if a duplicate is injected */
  #put(outgoing: Outgoing, length: number): number {
    const { batch } = this
    const { destination } = outgoing
    const { options, detaches } = this.#send
    const isDoubled = injectOnce('duplicate', outgoing.flow.from.name)
    const way = isDoubled ? 2 : between(this.#random, 0, 3)
    if (way === 0) {
      outgoing.write(batch.reserve(length, destination, options))
    } else if (way === 1) {
      const bytes = Buffer.allocUnsafeSlow(length)
      outgoing.write(bytes)
      batch.appendReference(bytes, destination, options)
      if (detaches && length > 0) structuredClone(bytes.buffer, { transfer: [bytes.buffer] })
    } else {
      const bytes = this.#scratch.subarray(0, length)
      outgoing.write(bytes)
      const cut = between(this.#random, 0, length)
      batch.append(way === 2 ? bytes : [bytes.subarray(0, cut), bytes.subarray(cut)], destination, options)
      if (isDoubled) batch.append(bytes, destination, options)
    }
    return isDoubled ? 2 : 1
  }

  #length(outgoing: Outgoing): number {
    const { sizes } = this.#send
    return sizes === 'short' ? shortLength(outgoing.sequence) : payloadLength(sizes, this.#random)
  }
}

const CAPACITY = 64
const MAX_RUN = 20
const MAX_SEGMENTS = 40
