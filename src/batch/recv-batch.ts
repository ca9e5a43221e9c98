import { rangeError } from '../arguments/errors.js'
import * as validate from '../arguments/validate.js'
import type { Endpoint } from '../endpoint/endpoint.js'
import { EndpointTable, isAt } from '../endpoint/endpoint-table.js'
import { MSG_CTRUNC, MSG_TRUNC } from '../libc/constants.js'
import { bufferOver } from '../memory/buffer-over.js'
import { Datagram } from './datagram.js'
import { ReceivedControl } from './received-control.js'
import { RecvSlots } from './recv-slots.js'

/** Options of a `RecvBatch`. */
export interface RecvBatchOptions {
  /** Largest number of datagrams one `recv` returns, 1 to 1024. Default 64. */
  capacity?: number
  /** Payload size of each slot in bytes, 1 to 65536; a longer datagram is truncated. Default 2048. */
  slotBytes?: number
  /** Use slots of 64 KiB, for GRO buffers. Required by a socket opened with `gro`. */
  gro?: boolean
}

/** Native memory of a batch, for the socket. @internal */
export interface ReceiveSide {
  readonly slots: RecvSlots
  readonly control: ReceivedControl
}

/** Returns the native memory of a batch; undefined for any other value, including a Proxy of a batch. @internal */
export let receiveSideOf: (batch: unknown) => ReceiveSide | undefined

/**
 * Batch into which `BatchConn.recv` receives. Its memory and headers are prepared once.
 *
 * Read it by iterating, or by index, which allocates nothing for datagrams of constant size. In both cases the bytes are
 * views into the batch, valid until the next `recv` into it.
 */
export class RecvBatch implements Iterable<Datagram> {
  readonly #side: ReceiveSide
  readonly #slots: RecvSlots
  readonly #control: ReceivedControl
  readonly #sources: (Endpoint | undefined)[]
  readonly #views: Buffer[]
  readonly #viewSizes: Int32Array
  readonly #datagrams: Datagram[] = []
  readonly #endpoints = new EndpointTable()

  constructor(options?: RecvBatchOptions) {
    const given = validate.options(options, 'RecvBatch', ['capacity', 'slotBytes', 'gro'])
    const { capacity = 64, gro = false } = given
    const isForGro = validate.boolean(gro, 'gro')
    const { slotBytes = isForGro ? GRO_SLOT_BYTES : 2048 } = given
    validate.integer(capacity, 'capacity', 1, 1024)
    validate.integer(slotBytes, 'slotBytes', 1, 65536)
    if (isForGro && slotBytes < GRO_SLOT_BYTES) throw slotTooSmall(slotBytes)
    this.#slots = new RecvSlots(capacity, slotBytes, CONTROL_BYTES)
    this.#control = new ReceivedControl(this.#slots, capacity)
    this.#side = { slots: this.#slots, control: this.#control }
    this.#sources = new Array<Endpoint | undefined>(capacity).fill(undefined)
    this.#views = new Array<Buffer>(capacity).fill(Buffer.alloc(0))
    this.#viewSizes = new Int32Array(capacity)
  }

  get capacity(): number {
    return this.#slots.capacity
  }

  get slotBytes(): number {
    return this.#slots.slotBytes
  }

  /** Number of slots the last `recv` filled. */
  get length(): number {
    return this.#slots.length
  }

  /**
   * Returns the payload of datagram `index`: a view, and the same object while the slot receives datagrams of that size.
   *
   * @throws TypeError `ERR_MEMORY_DETACHED`
   */
  bytes(index: number): Buffer {
    this.#check(index)
    this.#slots.assertAttached()
    const byteLength = this.#slots.size(index)
    // Sizes are stored, because reading the length of a view is slow.
    if (this.#viewSizes[index] === byteLength) return this.#views[index]
    const offset = this.#slots.payloadOffset(index)
    const view = bufferOver(this.#slots.memory, offset, byteLength)
    this.#views[index] = view
    this.#viewSizes[index] = byteLength
    return view
  }

  /** Number of bytes of datagram `index` in its slot. */
  size(index: number): number {
    return this.#slots.size(this.#check(index))
  }

  /** Sender of datagram `index`. The same peer is the same object. */
  source(index: number): Endpoint | undefined {
    this.#check(index)
    const byteLength = this.#slots.nameLength(index)
    if (byteLength === 0) return undefined
    const at = this.#slots.nameAt(index)
    const last = this.#sources[index]
    if (last !== undefined && isAt(last, this.#slots.words, at, byteLength)) return last
    const found = this.#endpoints.lookup(this.#slots.words, at, byteLength)
    this.#sources[index] = found
    return found
  }

  /** Returns true if datagram `index` was longer than its slot. */
  truncated(index: number): boolean {
    return (this.#slots.flags(this.#check(index)) & MSG_TRUNC) !== 0
  }

  /** Returns true if the control messages of datagram `index` did not all fit. */
  controlTruncated(index: number): boolean {
    return (this.#slots.flags(this.#check(index)) & MSG_CTRUNC) !== 0
  }

  /**
   * Segment size of slot `index`. For a GRO buffer it is less than `size(index)`, and the last datagram may be shorter; for a
   * single datagram it equals `size(index)`.
   */
  segmentBytes(index: number): number {
    return this.#control.segmentBytes(this.#check(index)) || this.#slots.size(index)
  }

  /** TOS or traffic class byte; undefined unless the socket was opened with `recvTos`. */
  tos(index: number): number | undefined {
    return known(this.#control.tos(this.#check(index)))
  }

  /** ECN bits of `tos`. */
  ecn(index: number): number | undefined {
    const tos = this.#control.tos(this.#check(index))
    return tos < 0 ? undefined : tos & 3
  }

  /** Hops left on arrival; undefined unless the socket was opened with `recvTtl`. */
  ttl(index: number): number | undefined {
    return known(this.#control.ttl(this.#check(index)))
  }

  /** Local address to which it was sent; undefined unless the socket was opened with `recvDestination`. */
  destination(index: number): string | undefined {
    return this.#control.destination(this.#check(index))
  }

  /** Index of the interface on which it arrived; undefined unless the socket was opened with `recvDestination`. */
  interfaceIndex(index: number): number | undefined {
    return known(this.#control.interfaceIndex(this.#check(index)))
  }

  /** Time at which the kernel received it, in nanoseconds since 1970; undefined unless opened with `recvTimestamps`. */
  timestampNs(index: number): bigint | undefined {
    return this.#control.timestampNs(this.#check(index))
  }

  /** Iterates over the datagrams in order of arrival, including those of GRO buffers, without copying. */
  [Symbol.iterator](): Iterator<Datagram> {
    const slots = this.#slots
    let slot = 0
    let offset = 0
    let count = 0
    // One result object per iteration: a generator would create one per datagram.
    const result: { done: boolean; value: Datagram } = { done: false, value: this.#datagram(0) }
    return {
      next: (): IteratorResult<Datagram> => {
        if (slot >= slots.length) return { done: true, value: undefined }
        const size = slots.size(slot)
        const step = this.#control.segmentBytes(slot)
        const datagram = this.#datagram(count)
        count += 1
        if (step === 0) {
          result.value = datagram.place(slot, this.bytes(slot), true)
        } else {
          slots.assertAttached()
          const start = slots.payloadOffset(slot) + offset
          const bytes = bufferOver(slots.memory, start, Math.min(step, size - offset))
          result.value = datagram.place(slot, bytes, offset + step >= size)
          offset += step
        }
        if (step === 0 || offset >= size) {
          slot += 1
          offset = 0
        }
        return result
      },
    }
  }

  /** Returns a summary for `console.log`, without the native memory. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `RecvBatch { length: ${this.length}, capacity: ${this.capacity}, slotBytes: ${this.slotBytes} }`
  }

  /** Native memory. @internal */
  get slots(): RecvSlots {
    return this.#slots
  }

  /** @internal */
  get control(): ReceivedControl {
    return this.#control
  }

  #datagram(index: number): Datagram {
    const known = this.#datagrams[index]
    if (known !== undefined) return known
    const made = new Datagram(this, this.#slots.bytes)
    this.#datagrams.push(made)
    return made
  }

  #check(index: number): number {
    return validate.index(index, this.#slots.length)
  }

  static {
    receiveSideOf = (batch) => (typeof batch === 'object' && batch !== null && #side in batch ? batch.#side : undefined)
  }
}

/** Returns the error for slots that would truncate the GRO buffers of a socket. */
export function slotTooSmall(slotBytes: number): RangeError {
  const message = `with gro each slot must fit a whole GRO buffer: slotBytes must be ${GRO_SLOT_BYTES}; received ${slotBytes}`
  return rangeError('ERR_SLOT_TOO_SMALL', message)
}

/** Size of the largest GRO buffer. */
export const GRO_SLOT_BYTES = 65_536

function known(value: number): number | undefined {
  return value < 0 ? undefined : value
}

/** Room for all control messages that this library can enable at once; a test enables all. */
const CONTROL_BYTES = 256
