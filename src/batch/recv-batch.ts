import { rangeError } from '../arguments/errors.js'
import * as validate from '../arguments/validate.js'
import type { Endpoint } from '../endpoint/endpoint.js'
import { EndpointTable, isAt } from '../endpoint/endpoint-table.js'
import { ControlCursor } from '../layout/control.js'
import { MSG_CTRUNC, MSG_TRUNC, SO_RXQ_OVFL, SOL_SOCKET } from '../libc/constants.js'
import { Datagram } from './datagram.js'
import { RecvSlots } from './recv-slots.js'

/** How a `RecvBatch` is made. */
export interface RecvBatchOptions {
  /** How many datagrams one `recv` takes at the most, 1 to 1024. Default 64. */
  capacity?: number
  /** How many bytes of payload each slot has room for, 1 to 65536; a longer datagram is truncated. Default 2048. */
  slotBytes?: number
}

/**
 * Where `BatchConn.recv` puts datagrams. Its memory and headers are prepared once.
 *
 * Read it by iterating, or by index, which allocates nothing for datagrams of one size. Either way the bytes are
 * views into the batch: good until the next `recv` into it.
 */
export class RecvBatch implements Iterable<Datagram> {
  readonly capacity: number
  readonly slotBytes: number
  /** The native side. @internal */
  readonly slots: RecvSlots
  readonly #sources: (Endpoint | undefined)[]
  readonly #views: Buffer[]
  readonly #viewSizes: Int32Array
  readonly #datagrams: Datagram[] = []
  readonly #control: ControlCursor
  readonly #endpoints = new EndpointTable()
  #length = 0

  constructor(options?: RecvBatchOptions) {
    const given = validate.options(options, 'RecvBatch', ['capacity', 'slotBytes'])
    this.capacity = validate.integer(given.capacity ?? 64, 'capacity', 1, 1024)
    this.slotBytes = validate.integer(given.slotBytes ?? 2048, 'slotBytes', 1, 65536)
    this.slots = new RecvSlots(this.capacity, this.slotBytes, CONTROL_BYTES)
    this.#control = new ControlCursor(this.slots.view)
    this.#sources = new Array<Endpoint | undefined>(this.capacity).fill(undefined)
    this.#views = new Array<Buffer>(this.capacity).fill(Buffer.alloc(0))
    this.#viewSizes = new Int32Array(this.capacity)
  }

  /** How many datagrams the last `recv` brought. */
  get length(): number {
    return this.#length
  }

  /** The payload of datagram `index`: a view, the same object again as long as the slot gets datagrams of that size. */
  bytes(index: number): Buffer {
    this.#check(index)
    const byteLength = this.slots.size(index)
    // A size array of our own: asking a view for its length is slow.
    if (this.#viewSizes[index] === byteLength) return this.#views[index]
    const offset = this.slots.payloadOffset(index)
    const view = this.slots.bytes.subarray(offset, offset + byteLength)
    this.#views[index] = view
    this.#viewSizes[index] = byteLength
    return view
  }

  /** How many bytes datagram `index` has in its slot. */
  size(index: number): number {
    return this.slots.size(this.#check(index))
  }

  /** Who sent datagram `index`. The same peer is the same object. */
  source(index: number): Endpoint | undefined {
    this.#check(index)
    const byteLength = this.slots.nameLength(index)
    if (byteLength === 0) return undefined
    const at = this.slots.nameAt(index)
    const last = this.#sources[index]
    if (last !== undefined && isAt(last, this.slots.words, at, byteLength)) return last
    const found = this.#endpoints.lookup(this.slots.words, at, byteLength)
    this.#sources[index] = found
    return found
  }

  /** True if datagram `index` was longer than its slot. */
  truncated(index: number): boolean {
    return (this.slots.flags(this.#check(index)) & MSG_TRUNC) !== 0
  }

  /** True if the control messages of datagram `index` did not all fit. */
  controlTruncated(index: number): boolean {
    return (this.slots.flags(this.#check(index)) & MSG_CTRUNC) !== 0
  }

  /** The socket's count of dropped datagrams as it was when datagram `index` was queued. @internal */
  dropCount(index: number): number | undefined {
    const cursor = this.#control
    cursor.reset(this.slots.controlOffset(index), this.slots.controlLength(index))
    while (cursor.next()) {
      if (cursor.level === SOL_SOCKET && cursor.type === SO_RXQ_OVFL && cursor.dataBytes >= 4) {
        return this.slots.view.getUint32(cursor.dataOffset, true)
      }
    }
    return undefined
  }

  /** The datagrams in order of arrival. */
  [Symbol.iterator](): Iterator<Datagram> {
    let index = 0
    // One result object a loop: a generator would make one a datagram.
    const result: { done: boolean; value: Datagram } = { done: false, value: this.#datagram(0) }
    return {
      next: (): IteratorResult<Datagram> => {
        if (index >= this.#length) return { done: true, value: undefined }
        result.value = this.#datagram(index).place(index, this.bytes(index))
        index += 1
        return result
      },
    }
  }

  /** Before the kernel is shown the headers. @internal */
  prepare(): void {
    this.slots.assertAttached()
    this.slots.rearm()
    this.#length = 0
  }

  /** After the kernel filled the first `count` slots. @internal */
  fill(count: number): void {
    this.slots.written(count)
    this.#length = count
  }

  #datagram(index: number): Datagram {
    const known = this.#datagrams[index]
    if (known !== undefined) return known
    const made = new Datagram(this, this.slots.bytes)
    this.#datagrams.push(made)
    return made
  }

  #check(index: number): number {
    if (Number.isInteger(index) && index >= 0 && index < this.#length) return index
    throw rangeError('ERR_OUT_OF_RANGE', `index must be from 0 to ${this.#length - 1}; received ${index}`)
  }
}

/** Room for every control message this library can switch on at once. */
const CONTROL_BYTES = 256
