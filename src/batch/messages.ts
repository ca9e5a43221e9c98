import { rangeError, typeError } from '../arguments/errors.js'
import { assertDestination, DestinationKind, type Endpoint, endpoint } from '../endpoint/endpoint.js'
import { bufferOver } from '../memory/buffer-over.js'
import { canPreventTransfer, isDetached, preventTransfer } from '../memory/external.js'
import { isUndetachable } from '../memory/undetachable.js'
import { CoalescedPlan } from './coalesced-plan.js'
import { OptionWriter, segmentBytesOf, type TrafficClass } from './message-options.js'
import { tooLong } from './payload.js'
import { SendOrder } from './send-order.js'
import type { PlannedMessages } from './send-plan.js'
import { SendPlanner } from './send-planner.js'
import { SendSlots } from './send-slots.js'

/** Message that could not be sent. */
export interface SendFailure {
  /** Index of the message in the batch. */
  readonly index: number
  /** An `ErrnoError`; or a `TypeError` for a destination or memory that cannot be sent. */
  readonly error: Error & { readonly code: string }
}

/** Validated size and mode of a batch. */
export interface MessagesOptions {
  readonly capacity: number
  readonly slotBytes: number
  readonly coalesce: boolean
  readonly maxSegments: number
}

/**
 * Messages of a `SendBatch`: their memory, headers and send state. All arguments are already validated, and no code of the
 * caller runs here, so the kernel receives only what this object contains.
 */
export class Messages implements PlannedMessages {
  readonly capacity: number
  readonly slotBytes: number
  readonly slots: SendSlots
  readonly options: OptionWriter
  readonly planner: SendPlanner
  readonly order: SendOrder
  length = 0
  /** Number of messages accepted by the kernel or skipped: the position of the next one. */
  sent = 0
  /** Skipped messages with their errors. */
  failed: SendFailure[] = []
  /** Kinds of destination, as a set of `DestinationKind` bits. */
  destinationKinds = 0
  /** Number of messages with their own segment size. */
  segmented = 0
  /** Number of messages with ECN bits and the socket's DSCP. */
  withEcn = 0
  /** Number of payload bytes of all messages. */
  byteLength = 0
  /** Number of zero-copy sends, of any socket, whose memory the kernel may still read. */
  inFlight = 0
  /**
   * True from a system call that sends until its result is recorded. Stays true if the execution ends in between: by a
   * termination (node:vm, Ctrl-C in the REPL), which runs no `finally`, or by a stack overflow.
   */
  isSending = false
  readonly #maxSegments: number
  readonly #canHoldSlots: boolean
  /** Destination of a slot whose address is being written. */
  readonly #unwritten = endpoint({ address: '0.0.0.0', port: 0 })
  readonly #destinations: (Endpoint | undefined)[]
  readonly #references: (Uint8Array | undefined)[]
  readonly #views: Buffer[]
  readonly #viewSizes: Int32Array
  /** ECN bits plus 1 by slot; 0 for none, or with a TOS of the message's own. */
  readonly #ecn: Uint8Array
  /** True if the headers may have a DSCP other than 0. */
  #hasDscp = false
  #referenced = 0
  #withOptions = 0

  constructor({ capacity, slotBytes, coalesce, maxSegments }: MessagesOptions) {
    this.capacity = capacity
    this.slotBytes = slotBytes
    this.#maxSegments = maxSegments
    this.slots = new SendSlots(capacity, slotBytes)
    this.#canHoldSlots = isUndetachable(this.slots.memory)
    this.options = new OptionWriter(this.slots.view)
    this.#destinations = new Array<Endpoint | undefined>(capacity).fill(undefined)
    this.#references = new Array<Uint8Array | undefined>(capacity).fill(undefined)
    this.#views = new Array<Buffer>(capacity).fill(Buffer.alloc(0))
    this.#viewSizes = new Int32Array(capacity)
    this.#ecn = new Uint8Array(capacity)
    // Only a batch that coalesces changes its order, which takes memory per slot.
    this.order = new SendOrder(coalesce ? this.#destinations : [])
    const coalesced = coalesce ? new CoalescedPlan(this, maxSegments) : undefined
    this.planner = new SendPlanner(this, coalesced)
  }

  get hasOptions(): boolean {
    return this.#withOptions > 0
  }

  /** Slot of the next message to send. */
  get next(): number {
    return this.order.slotAt(this.sent)
  }

  /** Destination of a message; undefined for the connected peer. */
  destination(slot: number): Endpoint | undefined {
    return this.#destinations[slot]
  }

  /**
   * Returns the slot of the next message. Changes nothing until `commit`.
   *
   * @throws RangeError `ERR_BATCH_FULL`, `ERR_SOCKET_BAD_PORT`, TypeError `ERR_INVALID_ARG_TYPE` if it is not an endpoint
   */
  claim(destination: Endpoint | undefined): number {
    const slot = this.length
    if (slot === this.capacity) {
      throw rangeError('ERR_BATCH_FULL', `the batch already holds its ${this.capacity} messages; send and clear it`)
    }
    if (destination !== undefined && destination !== this.#destinations[slot]) assertDestination(destination)
    return slot
  }

  /**
   * Copies `byteLength` bytes, all of `bytes`, into the next slot.
   *
   * @throws as `claim` and `commit`; RangeError `ERR_PAYLOAD_TOO_LONG`, TypeError `ERR_MEMORY_DETACHED`
   */
  append(bytes: Uint8Array, byteLength: number, destination: Endpoint | undefined, hasOptions: boolean): number {
    const slot = this.claim(destination)
    if (byteLength > this.slotBytes) throw tooLong(byteLength, this.slotBytes)
    try {
      this.slots.bytes.set(bytes, this.slots.payloadOffset(slot))
    } catch (error) {
      // A copy that fits can fail only if the memory is detached. A check in advance would cost one nanosecond per message.
      this.slots.assertAttached()
      throw error
    }
    return this.commit(slot, byteLength, destination, hasOptions)
  }

  /**
   * Adds the message whose bytes are in slot `slot`.
   *
   * @param hasOptions - use the last options read by `options`
   */
  commit(slot: number, byteLength: number, destination: Endpoint | undefined, hasOptions: boolean): number {
    this.slots.writeSize(slot, byteLength)
    if (this.#destinations[slot] !== destination) {
      // A stack overflow must not leave a part of this address for the next message.
      this.#destinations[slot] = this.#unwritten
      this.slots.writeDestination(slot, destination)
      this.#destinations[slot] = destination
    }
    const kind = destination === undefined ? DestinationKind.connected : destination.kind
    // Last, because the next message without options does not write them again.
    if (hasOptions) this.#writeOptions(slot, byteLength, destination)
    this.destinationKinds |= kind
    this.byteLength += byteLength
    this.length = slot + 1
    return slot
  }

  /** Points message `slot` to external memory, which is referenced until `clear`. */
  refer(slot: number, bytes: Uint8Array, address: number): void {
    this.slots.pointAt(slot, address)
    this.#references[slot] = bytes
    this.#referenced += 1
  }

  /** Prevents the transfer of the external memory of `count` messages, from position `start` on. */
  holdReferences(start: number, count: number): void {
    if (this.#referenced === 0) return
    for (let position = start; position < start + count; position += 1) {
      const reference = this.#references[this.order.slotAt(position)]
      if (reference !== undefined) preventTransfer(reference)
    }
  }

  /** Returns true if the memory of a message can be kept from being transferred while the kernel reads it. */
  canHold(slot: number): boolean {
    const reference = this.#references[slot]
    return reference === undefined ? this.#canHoldSlots : canPreventTransfer(reference)
  }

  /** Returns a view of a slot. */
  view(slot: number, byteLength: number): Buffer {
    // Sizes are stored, because reading the length of a view costs more than the rest of this function.
    if (this.#viewSizes[slot] === byteLength) return this.#views[slot]
    const view = bufferOver(this.slots.memory, this.slots.payloadOffset(slot), byteLength)
    this.#views[slot] = view
    this.#viewSizes[slot] = byteLength
    return view
  }

  /** Number of payload bytes of the messages at positions `from` to `end`, `end` excluded. */
  bytesBetween(from: number, end: number): number {
    if (from === 0 && end === this.length) return this.byteLength
    let sum = 0
    for (let position = from; position < end; position += 1) sum += this.slots.size(this.order.slotAt(position))
    return sum
  }

  /** Segment size of the message at a position; 0 for a single datagram. */
  segmentBytes(position: number): number {
    return this.slots.segmentBytes(this.order.slotAt(position))
  }

  /** Records that the kernel accepted `count` more messages. */
  advance(count: number): void {
    this.sent += count
  }

  /** Skips the next message. @param error - added to `failed` */
  skip(error?: SendFailure['error']): void {
    if (error !== undefined) this.failed.push({ index: this.next, error })
    this.sent += 1
    this.planner.reset()
  }

  rewind(): void {
    this.isSending = false
    this.sent = 0
    if (this.failed.length > 0) this.failed = []
    this.planner.reset()
  }

  /** @throws TypeError `ERR_BATCH_IN_FLIGHT` */
  clear(): void {
    if (this.inFlight > 0) throw inFlightError(this.inFlight)
    if (this.#referenced > 0) {
      for (let slot = 0; slot < this.length; slot += 1) this.#releaseReference(slot)
      this.#referenced = 0
    }
    if (this.#withOptions > 0) {
      for (let slot = 0; slot < this.length; slot += 1) this.slots.writeControl(slot, 0, 0)
      this.#withOptions = 0
      this.segmented = 0
      this.#ecn.fill(0)
      this.withEcn = 0
    }
    this.destinationKinds = 0
    this.byteLength = 0
    this.order.reset()
    this.length = 0
    this.rewind()
  }

  /**
   * Returns the first position not sent yet whose memory was transferred, or `length`. Called before each system call.
   *
   * @throws TypeError `ERR_MEMORY_DETACHED` if the batch's own memory was transferred
   */
  firstDetached(): number {
    this.slots.assertAttached()
    if (this.#referenced === 0) return this.length
    for (let position = this.sent; position < this.length; position += 1) {
      const slot = this.order.slotAt(position)
      const reference = this.#references[slot]
      if (reference !== undefined && isDetached(reference, this.slots.size(slot))) return position
    }
    return this.length
  }

  /** Writes the socket's DSCP into the messages that have only ECN bits: a control message replaces the whole byte. */
  useDscp(tos: TrafficClass): void {
    if (tos.ipv4 < 4 && tos.ipv6 < 4 && !this.#hasDscp) return
    this.#hasDscp = true
    for (let slot = 0; slot < this.length; slot += 1) {
      const ecn = this.#ecn[slot]
      if (ecn > 0) this.options.rewriteTos(this.slots.optionsOffset(slot), this.#destinations[slot], tos, ecn - 1)
    }
  }

  #writeOptions(slot: number, byteLength: number, destination: Endpoint | undefined): void {
    const { options, slots } = this
    const controlBytes = options.write(slots.optionsOffset(slot), destination)
    const segmentBytes = segmentBytesOf(byteLength, destination, options.segmentBytes, this.#maxSegments)
    slots.writeControl(slot, segmentBytes, controlBytes)
    this.#withOptions += 1
    if (segmentBytes > 0) this.segmented += 1
    if (options.ecn === undefined) return
    this.#ecn[slot] = options.ecn + 1
    this.withEcn += 1
  }

  #releaseReference(slot: number): void {
    if (this.#references[slot] === undefined) return
    this.#references[slot] = undefined
    this.slots.pointAtSlot(slot)
  }
}

function inFlightError(count: number): Error {
  const message = `the kernel may still read the memory of ${count} zero-copy sends; await conn.released(batch) before clear()`
  return typeError('ERR_BATCH_IN_FLIGHT', message)
}
