import { rangeError } from '../arguments/errors.js'
import * as validate from '../arguments/validate.js'
import type { Endpoint } from '../endpoint/endpoint.js'
import { byteLengthOf } from '../memory/byte-view.js'
import type { MessageOptions } from './message-options.js'
import { Messages, type SendFailure } from './messages.js'
import { bytesOf, checkedLength, copyPayload, type Payload, readPayload, tooLong } from './payload.js'
import type { SendSlots } from './send-slots.js'

/** How a `SendBatch` is made. */
export interface SendBatchOptions {
  /** Number of messages it holds, 1 to 65536. Default 64. */
  capacity?: number
  /** Bytes of payload each slot has room for, 1 to 1 MiB. Default 1472: what an MTU of 1500 carries over IPv4. */
  slotBytes?: number
  /**
   * Join consecutive messages of one size to one destination into GSO sends, the last segment of which may be shorter.
   * Counts and indexes stay those of the messages. Default false.
   */
  coalesce?: boolean
  /** Largest number of segments of a GSO send, 1 to 128. Default 64: what every kernel with GSO accepts. */
  maxSegments?: number
}

/** The messages of a batch; undefined for anything else, a Proxy of a batch included. @internal */
export let messagesOf: (batch: unknown) => Messages | undefined

/**
 * Messages waiting for `BatchConn.send`. Its memory and headers are prepared once; filling it writes only what changed:
 * the payload, its length, and a destination that is not the slot's last one.
 *
 * Fill it, send it until `remaining` is 0, `clear` it, fill it again.
 */
export class SendBatch {
  readonly #messages: Messages
  readonly #coalesce: boolean
  readonly #maxSegments: number

  constructor(options?: SendBatchOptions) {
    const {
      capacity = 64,
      slotBytes = 1472,
      coalesce = false,
      maxSegments = 64,
    } = validate.options(options, 'SendBatch', ['capacity', 'slotBytes', 'coalesce', 'maxSegments'])
    validate.integer(capacity, 'capacity', 1, 65536)
    validate.integer(slotBytes, 'slotBytes', 1, 2 ** 20)
    if (capacity * slotBytes > MAX_BATCH_BYTES) {
      const message = `capacity x slotBytes must be at most ${MAX_BATCH_BYTES} bytes`
      throw rangeError('ERR_OUT_OF_RANGE', `${message}; received ${capacity} x ${slotBytes}`)
    }
    this.#coalesce = validate.boolean(coalesce, 'coalesce')
    this.#maxSegments = validate.integer(maxSegments, 'maxSegments', 1, 128)
    this.#messages = new Messages({ capacity, slotBytes, coalesce, maxSegments })
  }

  get capacity(): number {
    return this.#messages.capacity
  }

  get slotBytes(): number {
    return this.#messages.slotBytes
  }

  get coalesce(): boolean {
    return this.#coalesce
  }

  get maxSegments(): number {
    return this.#maxSegments
  }

  /** Number of messages put in since the last `clear`. */
  get length(): number {
    return this.#messages.length
  }

  /** Number of messages done with: accepted by the kernel, or skipped. The index of the next to be sent. */
  get sent(): number {
    return this.#messages.sent
  }

  /** Number of messages still to be sent. */
  get remaining(): number {
    return this.#messages.length - this.#messages.sent
  }

  /**
   * Messages that `sendAll` passed over since the last `clear` or `rewind`, with their errors. They are kept here so that
   * none is lost when `sendAll` is aborted or the socket is closed.
   */
  get failed(): readonly SendFailure[] {
    return [...this.#messages.failed]
  }

  /**
   * Copies a payload into the next slot; of a list, the pieces one after the other as one datagram.
   *
   * @param destination - where it goes; default: the peer the socket is connected to
   * @returns the message's index
   * @throws RangeError `ERR_BATCH_FULL`, `ERR_PAYLOAD_TOO_LONG`, `ERR_GSO_TOO_LARGE`
   * @throws TypeError `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`, `ERR_UNKNOWN_OPTION`, `ERR_MEMORY_DETACHED`
   */
  append(payload: Payload | readonly Payload[], destination?: Endpoint, options?: MessageOptions): number {
    const messages = this.#messages
    // Everything that can run the caller's code comes before a slot is claimed: the code may use this batch.
    if (options !== undefined) messages.options.read(options)
    if (!(payload instanceof Uint8Array)) return this.#appendPieces(payload, destination, options !== undefined)
    const byteLength = checkedLength(payload)
    const slot = messages.claim(destination)
    if (byteLength > messages.slotBytes) throw tooLong(byteLength, messages.slotBytes)
    messages.copy(slot, payload)
    return messages.commit(slot, byteLength, destination, options !== undefined)
  }

  /**
   * Claims the next slot and returns its memory, to be written by the caller before the batch is sent. Zero-copy.
   * The bytes are what the slot held before. The view is valid until `clear`.
   *
   * @throws RangeError `ERR_BATCH_FULL`, `ERR_PAYLOAD_TOO_LONG`, `ERR_GSO_TOO_LARGE`
   * @throws TypeError as `append`
   */
  reserve(byteLength: number, destination?: Endpoint, options?: MessageOptions): Buffer {
    const messages = this.#messages
    if (typeof byteLength !== 'number' || !(byteLength <= messages.slotBytes) || byteLength >>> 0 !== byteLength) {
      throw tooLong(validate.integer(byteLength, 'byteLength', 0, Number.MAX_SAFE_INTEGER), messages.slotBytes)
    }
    if (options !== undefined) messages.options.read(options)
    const slot = messages.claim(destination)
    messages.slots.assertAttached()
    messages.commit(slot, byteLength, destination, options !== undefined)
    return messages.view(slot, byteLength)
  }

  /**
   * Points the next message at the caller's own memory, of any length. Zero-copy: the memory is held until `clear`, and
   * what it holds when it is sent is what goes out, so do not change it until then.
   *
   * @throws RangeError `ERR_BATCH_FULL`, `ERR_PAYLOAD_TOO_LONG` (2 GiB), `ERR_GSO_TOO_LARGE`
   * @throws TypeError as `append`; `ERR_INVALID_ARG_VALUE` for memory that can be resized
   */
  appendReference(payload: Exclude<Payload, string>, destination?: Endpoint, options?: MessageOptions): number {
    const messages = this.#messages
    if (options !== undefined) messages.options.read(options)
    const bytes = bytesOf(payload)
    const byteLength = byteLengthOf(bytes)
    if (byteLength > MAX_REFERENCE_BYTES) throw tooLong(byteLength, MAX_REFERENCE_BYTES)
    const slot = messages.claim(destination)
    const address = messages.slots.referenceAddress(slot, bytes, byteLength)
    messages.commit(slot, byteLength, destination, options !== undefined)
    messages.refer(slot, bytes, address)
    return slot
  }

  /** Payload length of message `index`, in bytes. */
  size(index: number): number {
    return this.#messages.slots.size(this.#check(index))
  }

  /** Destination of message `index`; undefined for the connected peer. */
  destination(index: number): Endpoint | undefined {
    return this.#messages.destination(this.#check(index))
  }

  /** Passes over the next message: the one that `send` just threw for. */
  skip(): void {
    if (this.remaining === 0) throw rangeError('ERR_OUT_OF_RANGE', 'skip: no message is left to be sent')
    this.#messages.skip()
  }

  /** Makes the whole content due again, as it is: nothing is rewritten. */
  rewind(): void {
    this.#messages.rewind()
  }

  /** Empties the batch, sent or not, and releases referenced memory. */
  clear(): void {
    this.#messages.clear()
  }

  /** What `console.log` shows: not the native memory. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `SendBatch { length: ${this.length}, sent: ${this.sent}, capacity: ${this.capacity}, slotBytes: ${this.slotBytes} }`
  }

  /** The native side. @internal */
  get slots(): SendSlots {
    return this.#messages.slots
  }

  #appendPieces(
    payload: Exclude<Payload, Uint8Array> | readonly Payload[],
    destination: Endpoint | undefined,
    hasOptions: boolean,
  ): number {
    const messages = this.#messages
    const pieces = readPayload(payload)
    const slot = messages.claim(destination)
    const { slots, slotBytes } = messages
    slots.assertAttached()
    const byteLength = copyPayload(slots.bytes, slots.payloadOffset(slot), slotBytes, pieces)
    return messages.commit(slot, byteLength, destination, hasOptions)
  }

  #check(index: number): number {
    return validate.index(index, this.#messages.length)
  }

  static {
    messagesOf = (batch) =>
      typeof batch === 'object' && batch !== null && #messages in batch ? batch.#messages : undefined
  }
}

/** One block holds all payloads, and engines have a limit there. */
const MAX_BATCH_BYTES = 2 ** 31

const MAX_REFERENCE_BYTES = 2 ** 31 - 1
