import { rangeError } from '../arguments/errors.js'
import * as validate from '../arguments/validate.js'
import type { Endpoint } from '../endpoint/endpoint.js'
import { byteLengthOf } from '../memory/byte-view.js'
import type { MessageOptions } from './message-options.js'
import { Messages, type SendFailure } from './messages.js'
import { bytesOf, checkedLength, copyPayload, type Payload, readPayload, tooLong } from './payload.js'
import type { SendOrder } from './send-order.js'
import type { SendSlots } from './send-slots.js'

/** Options of a `SendBatch`. */
export interface SendBatchOptions {
  /** Maximum number of messages, 1 to 65536. Default 64. */
  capacity?: number
  /** Payload size of each slot in bytes, 1 to 1 MiB. Default 1472: an IPv4 packet of the usual MTU of 1500. */
  slotBytes?: number
  /**
   * Coalesce messages of one size to one destination into GSO sends, of which the last segment may be shorter. They need not
   * be consecutive: messages to one destination keep their order, those to different destinations may not. Counts and
   * indexes still refer to messages. Default false.
   */
  coalesce?: boolean
  /** Largest number of segments of a GSO send, 1 to 128. Default 64, which every kernel with GSO accepts. */
  maxSegments?: number
}

/** Returns the messages of a batch; undefined for any other value, including a Proxy of a batch. @internal */
export let messagesOf: (batch: unknown) => Messages | undefined

/**
 * Messages to send with `BatchConn.send`. Its memory and headers are prepared once. Filling it writes only the payload, its
 * length, and a destination that differs from the slot's previous one.
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

  /** Number of messages added since the last `clear`. */
  get length(): number {
    return this.#messages.length
  }

  /**
   * Number of messages accepted by the kernel or skipped. Without `coalesce`, also the index of the next message to send;
   * with it, `isPending` returns which messages are left.
   */
  get sent(): number {
    return this.#messages.sent
  }

  /** Number of messages left to send. */
  get remaining(): number {
    return this.#messages.length - this.#messages.sent
  }

  /**
   * Number of zero-copy sends whose memory the kernel may still read. While it is not 0, `clear` throws, and bytes already
   * sent must not be changed. Later `append`s use other memory.
   */
  get inFlight(): number {
    return this.#messages.inFlight
  }

  /**
   * Messages that `sendAll` skipped since the last `clear` or `rewind`, with their errors. Stored here so that none is lost if
   * `sendAll` is aborted or the socket is closed.
   */
  get failed(): readonly SendFailure[] {
    return [...this.#messages.failed]
  }

  /**
   * Copies a payload into the next slot. The pieces of a list are concatenated to one datagram.
   *
   * @param destination - default: the connected peer
   * @returns the message's index
   * @throws RangeError `ERR_BATCH_FULL`, `ERR_PAYLOAD_TOO_LONG`, `ERR_GSO_TOO_LARGE`
   * @throws TypeError `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`, `ERR_UNKNOWN_OPTION`, `ERR_MEMORY_DETACHED`
   */
  append(payload: Payload | readonly Payload[], destination?: Endpoint, options?: MessageOptions): number {
    const messages = this.#messages
    // Run all of the caller's code before a slot is claimed, because it may use this batch. A list runs it before the options
    // are read, because a nested call reads its own.
    if (!(payload instanceof Uint8Array)) return this.#appendPieces(payload, destination, options)
    if (options !== undefined) messages.options.read(options)
    return messages.append(payload, checkedLength(payload), destination, options !== undefined)
  }

  /**
   * Claims the next slot and returns its memory, which the caller writes before the batch is sent (zero-copy). Initially it
   * contains the slot's previous bytes. The view is valid until `clear`.
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
   * Adds a message in external memory of any length (zero-copy). The batch references the memory until `clear`. Do not change
   * the content before the message is sent.
   *
   * @throws RangeError `ERR_BATCH_FULL`, `ERR_PAYLOAD_TOO_LONG` (2 GiB), `ERR_GSO_TOO_LARGE`
   * @throws TypeError as `append`; `ERR_INVALID_ARG_VALUE` for resizable memory
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

  /** Returns true while message `index` is neither accepted by the kernel nor skipped. */
  isPending(index: number): boolean {
    const { sent, length, order } = this.#messages
    const slot = this.#check(index)
    for (let position = sent; position < length; position += 1) if (order.slotAt(position) === slot) return true
    return false
  }

  /** Skips the next message, for which `send` has just thrown. */
  skip(): void {
    if (this.remaining === 0) throw rangeError('ERR_OUT_OF_RANGE', 'skip: no message is left to send')
    this.#messages.skip()
  }

  /** Marks all messages as unsent, without rewriting them. */
  rewind(): void {
    this.#messages.rewind()
  }

  /**
   * Removes all messages, sent or not, and releases referenced memory.
   *
   * @throws TypeError `ERR_BATCH_IN_FLIGHT` while the kernel may still read memory of zero-copy sends
   */
  clear(): void {
    this.#messages.clear()
  }

  /** Returns a summary for `console.log`, without the native memory. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `SendBatch { length: ${this.length}, sent: ${this.sent}, capacity: ${this.capacity}, slotBytes: ${this.slotBytes} }`
  }

  /** Order of sending. @internal */
  get order(): SendOrder {
    return this.#messages.order
  }

  /** Native memory. @internal */
  get slots(): SendSlots {
    return this.#messages.slots
  }

  #appendPieces(
    payload: Exclude<Payload, Uint8Array> | readonly Payload[],
    destination: Endpoint | undefined,
    options: MessageOptions | undefined,
  ): number {
    const messages = this.#messages
    const pieces = readPayload(payload)
    if (options !== undefined) messages.options.read(options)
    const slot = messages.claim(destination)
    const { slots, slotBytes } = messages
    slots.assertAttached()
    const byteLength = copyPayload(slots.bytes, slots.payloadOffset(slot), slotBytes, pieces)
    return messages.commit(slot, byteLength, destination, options !== undefined)
  }

  #check(index: number): number {
    return validate.index(index, this.#messages.length)
  }

  static {
    messagesOf = (batch) =>
      typeof batch === 'object' && batch !== null && #messages in batch ? batch.#messages : undefined
  }
}

/** Maximum size of all payloads, which share one ArrayBuffer: engines limit its size. */
const MAX_BATCH_BYTES = 2 ** 31

const MAX_REFERENCE_BYTES = 2 ** 31 - 1
