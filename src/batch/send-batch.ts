import { rangeError, received, typeError } from '../arguments/errors.js'
import * as validate from '../arguments/validate.js'
import { DestinationKind, Endpoint } from '../endpoint/endpoint.js'
import { bufferOver } from '../memory/buffer-over.js'
import { isDetached } from '../memory/foreign.js'
import { CoalescedPlan } from './coalesced-plan.js'
import { MarkWriter, type MessageOptions, trainSegmentBytes } from './message-options.js'
import { bytesOf, copyPayload, type Payload, tooLong } from './payload.js'
import { SendPlanner } from './send-planner.js'
import { SendSlots } from './send-slots.js'

/** How a `SendBatch` is made. */
export interface SendBatchOptions {
  /** How many messages it holds, 1 to 65536. Default 64. */
  capacity?: number
  /** How many bytes of payload each slot has room for, 1 to 1 MiB. Default 1472: what an MTU of 1500 carries over IPv4. */
  slotBytes?: number
  /**
   * Send consecutive messages of one size to one destination as trains (GSO), the last of which may be shorter.
   * Counts and indexes stay those of the messages. Default false.
   */
  coalesce?: boolean
  /** How many datagrams a train has at the most, 1 to 128. Default 64: what every kernel with GSO takes. */
  maxSegments?: number
}

/**
 * Messages waiting for `BatchConn.send`. Its memory and headers are prepared once; filling it writes only what changed:
 * the payload, its length, and a destination that is not the slot's last one.
 *
 * Fill it, send it until `remaining` is 0, `clear` it, fill it again.
 */
export class SendBatch {
  readonly capacity: number
  readonly slotBytes: number
  readonly coalesce: boolean
  readonly maxSegments: number
  /** How the messages are put to the kernel. @internal */
  readonly planner: SendPlanner
  /** The native side. @internal */
  readonly slots: SendSlots
  readonly #destinations: (Endpoint | undefined)[]
  readonly #references: (Uint8Array | undefined)[]
  readonly #views: Buffer[]
  readonly #viewSizes: Int32Array
  readonly #marks: MarkWriter
  #referenced = 0
  #marked = 0
  #trains = 0
  #destinationKinds = 0
  #length = 0
  #sent = 0

  constructor(options?: SendBatchOptions) {
    const given = validate.options(options, 'SendBatch', ['capacity', 'slotBytes', 'coalesce', 'maxSegments'])
    this.capacity = validate.integer(given.capacity ?? 64, 'capacity', 1, 65536)
    this.slotBytes = validate.integer(given.slotBytes ?? 1472, 'slotBytes', 1, 2 ** 20)
    if (this.capacity * this.slotBytes > MAX_BATCH_BYTES) {
      const message = `capacity x slotBytes must be at most ${MAX_BATCH_BYTES} bytes`
      throw rangeError('ERR_OUT_OF_RANGE', `${message}; received ${this.capacity} x ${this.slotBytes}`)
    }
    this.coalesce = validate.boolean(given.coalesce ?? false, 'coalesce')
    this.maxSegments = validate.integer(given.maxSegments ?? 64, 'maxSegments', 1, 128)
    this.slots = new SendSlots(this.capacity, this.slotBytes)
    this.#marks = new MarkWriter(this.slots.view)
    this.#destinations = new Array<Endpoint | undefined>(this.capacity).fill(undefined)
    this.#references = new Array<Uint8Array | undefined>(this.capacity).fill(undefined)
    this.#views = new Array<Buffer>(this.capacity).fill(Buffer.alloc(0))
    this.#viewSizes = new Int32Array(this.capacity)
    const destination = (slot: number) => this.#destinations[slot]
    const coalesced = this.coalesce
      ? new CoalescedPlan(this.slots, this.capacity, this.maxSegments, destination)
      : undefined
    this.planner = new SendPlanner(this, coalesced)
  }

  /** How many messages have been put in since the last `clear`. */
  get length(): number {
    return this.#length
  }

  /** How many of them are done with: accepted by the kernel, or skipped. The index of the next to be sent. */
  get sent(): number {
    return this.#sent
  }

  /** How many are still to be sent. */
  get remaining(): number {
    return this.#length - this.#sent
  }

  /**
   * Copies a payload into the next slot; of a list, the pieces one after the other as one datagram.
   *
   * @param destination - where it goes; left out, to the peer the socket is connected to
   * @returns the message's index
   * @throws RangeError `ERR_BATCH_FULL`, `ERR_PAYLOAD_TOO_LONG`, `ERR_TRAIN_TOO_LONG`
   */
  append(payload: Payload | readonly Payload[], destination?: Endpoint, options?: MessageOptions): number {
    const slot = this.#claim(destination)
    const { bytes } = this.slots
    const size = copyPayload(bytes, this.slots.payloadOffset(slot), this.slotBytes, payload)
    return this.#commit(slot, size, destination, options)
  }

  /**
   * Claims the next slot and gives its memory, to be written by the caller before the batch is sent. Zero-copy.
   * The bytes are what the slot held before. The view is good until `clear`.
   *
   * @throws RangeError `ERR_BATCH_FULL`, `ERR_PAYLOAD_TOO_LONG`, `ERR_TRAIN_TOO_LONG`
   */
  reserve(byteLength: number, destination?: Endpoint, options?: MessageOptions): Buffer {
    if (!(byteLength <= this.slotBytes) || byteLength >>> 0 !== byteLength) {
      throw tooLong(validate.integer(byteLength, 'byteLength', 0, Number.MAX_SAFE_INTEGER), this.slotBytes)
    }
    const slot = this.#claim(destination)
    this.#commit(slot, byteLength, destination, options)
    return this.#view(slot, byteLength)
  }

  /**
   * Points the next message at the caller's own memory, of any length. Zero-copy: the memory is held until `clear`, and
   * what it holds when it is sent is what goes out, so leave it alone until then.
   *
   * @throws RangeError `ERR_BATCH_FULL`, `ERR_PAYLOAD_TOO_LONG` (2 GiB), `ERR_TRAIN_TOO_LONG`
   */
  appendReference(payload: Exclude<Payload, string>, destination?: Endpoint, options?: MessageOptions): number {
    const slot = this.#claim(destination)
    const bytes = bytesOf(payload)
    if (bytes.byteLength > MAX_REFERENCE_BYTES) throw tooLong(bytes.byteLength, MAX_REFERENCE_BYTES)
    const address = this.slots.referenceAddress(slot, bytes)
    this.#commit(slot, bytes.byteLength, destination, options)
    this.slots.pointAt(slot, address)
    this.#references[slot] = bytes
    this.#referenced += 1
    return slot
  }

  /** The payload length of message `index`, in bytes. */
  size(index: number): number {
    return this.slots.size(this.#check(index))
  }

  /** Where message `index` goes; undefined for the connected peer. */
  destination(index: number): Endpoint | undefined {
    return this.#destinations[this.#check(index)]
  }

  /** Gives up on the next message: the one that `send` just threw for. */
  skip(): void {
    if (this.#sent === this.#length) throw rangeError('ERR_OUT_OF_RANGE', 'skip: no message is left to be sent')
    this.#sent += 1
    this.planner.reset()
  }

  /** Makes the whole content due again, as it is: nothing is rewritten. */
  rewind(): void {
    this.#sent = 0
    this.planner.reset()
  }

  /** Empties the batch, sent or not, and lets go of referenced memory. */
  clear(): void {
    if (this.#referenced > 0) {
      for (let slot = 0; slot < this.#length; slot += 1) this.#releaseReference(slot)
      this.#referenced = 0
    }
    if (this.#marked > 0) {
      for (let slot = 0; slot < this.#length; slot += 1) this.slots.writeControl(slot, 0, 0)
      this.#marked = 0
      this.#trains = 0
    }
    this.#destinationKinds = 0
    this.#length = 0
    this.#sent = 0
    this.planner.reset()
  }

  /** What `console.log` shows: not the native memory. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `SendBatch { length: ${this.length}, sent: ${this.sent}, capacity: ${this.capacity}, slotBytes: ${this.slotBytes} }`
  }

  /** Which kinds of destination the content has, as a set of `DestinationKind` bits. @internal */
  get destinationKinds(): number {
    return this.#destinationKinds
  }

  /** True if any message is a train of its own. @internal */
  get hasTrains(): boolean {
    return this.#trains > 0
  }

  /** Notes that the kernel accepted `count` more. @internal */
  advance(count: number): void {
    this.#sent += count
  }

  /**
   * Called before the kernel is shown any address.
   *
   * @throws TypeError `ERR_MEMORY_DETACHED` @internal
   */
  assertMemory(): void {
    this.slots.assertAttached()
    if (this.#referenced === 0) return
    for (let slot = this.#sent; slot < this.#length; slot += 1) {
      const reference = this.#references[slot]
      if (reference !== undefined && isDetached(reference, this.slots.size(slot))) {
        throw typeError('ERR_MEMORY_DETACHED', `the memory message ${slot} refers to was transferred away`)
      }
    }
  }

  #claim(destination: Endpoint | undefined): number {
    const slot = this.#length
    if (slot === this.capacity) {
      throw rangeError('ERR_BATCH_FULL', `the batch already holds its ${this.capacity} messages; send and clear it`)
    }
    if (destination !== undefined && destination !== this.#destinations[slot]) assertDestination(destination)
    return slot
  }

  #commit(
    slot: number,
    byteLength: number,
    destination: Endpoint | undefined,
    options: MessageOptions | undefined,
  ): number {
    this.slots.writeSize(slot, byteLength)
    if (options !== undefined) this.#mark(slot, byteLength, destination, options)
    if (this.#destinations[slot] !== destination) {
      this.slots.writeDestination(slot, destination)
      this.#destinations[slot] = destination
    }
    this.#destinationKinds |= destination === undefined ? DestinationKind.connected : destination.kind
    this.#length = slot + 1
    return slot
  }

  #mark(slot: number, byteLength: number, destination: Endpoint | undefined, options: MessageOptions): void {
    const marksBytes = this.#marks.write(options, this.slots.marksOffset(slot), destination)
    const segmentBytes = trainSegmentBytes(byteLength, destination, options, this.maxSegments)
    this.slots.writeControl(slot, segmentBytes, marksBytes)
    this.#marked += 1
    if (segmentBytes > 0) this.#trains += 1
  }

  #view(slot: number, byteLength: number): Buffer {
    // A size array of our own, because asking a view for its length costs more than all the rest here.
    if (this.#viewSizes[slot] === byteLength) return this.#views[slot]
    const offset = this.slots.payloadOffset(slot)
    const view = bufferOver(this.slots.memory, offset, byteLength)
    this.#views[slot] = view
    this.#viewSizes[slot] = byteLength
    return view
  }

  #releaseReference(slot: number): void {
    if (this.#references[slot] === undefined) return
    this.#references[slot] = undefined
    this.slots.pointAtSlot(slot)
  }

  #check(index: number): number {
    if (Number.isInteger(index) && index >= 0 && index < this.#length) return index
    const range = this.#length === 0 ? 'the batch is empty' : `index must be from 0 to ${this.#length - 1}`
    throw rangeError('ERR_OUT_OF_RANGE', `${range}; received ${index}`)
  }
}

function assertDestination(destination: unknown): asserts destination is Endpoint {
  if (!(destination instanceof Endpoint)) {
    const message = `destination must come from endpoint({ address, port }); ${received(destination)}`
    throw typeError('ERR_INVALID_ARG_TYPE', message)
  }
  if (destination.port === 0) {
    throw rangeError('ERR_SOCKET_BAD_PORT', 'a destination port must be an integer from 1 to 65535; received 0')
  }
}

/** One block holds it all, and engines have a limit there. */
const MAX_BATCH_BYTES = 2 ** 31

const MAX_REFERENCE_BYTES = 2 ** 31 - 1
