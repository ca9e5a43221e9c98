import type { RecvBatch } from '../batch/recv-batch.js'
import type { Endpoint } from '../endpoint/endpoint.js'
import { bufferOver } from '../memory/buffer-over.js'
import { mark } from '../memory/undetachable.js'

/**
 * Copies datagrams into memory that the receiver may keep.
 *
 * Datagrams of one batch and one source share an ArrayBuffer: one allocation per datagram takes three to eight times as long.
 * Datagrams of different sources never share one, because `structuredClone`, `postMessage` and `message.buffer` expose the
 * whole ArrayBuffer.
 */
export class Slabs {
  readonly #slabs = new Map<Endpoint | undefined, Slab>()
  /** Number of bytes per source in the batch; undefined until needed. */
  #expected: Map<Endpoint | undefined, number> | undefined
  #batch: RecvBatch | undefined
  #lastSource: Endpoint | undefined
  #last: Slab | undefined

  /** Starts copying the datagrams of a batch. */
  begin(batch: RecvBatch): void {
    this.#slabs.clear()
    this.#expected = undefined
    this.#batch = batch
  }

  /** Returns a copy of a datagram from `source`. */
  copy(bytes: Buffer, byteLength: number, source: Endpoint | undefined): Buffer {
    const slab = this.#slabFor(source, byteLength)
    return slab === undefined ? ownCopy(bytes, byteLength) : slab.copy(bytes, byteLength)
  }

  #slabFor(source: Endpoint | undefined, byteLength: number): Slab | undefined {
    if (this.#last !== undefined && this.#lastSource === source && this.#last.left >= byteLength) return this.#last
    const known = this.#slabs.get(source)
    if (known !== undefined && known.left >= byteLength) return this.#note(source, known)
    if (byteLength > LARGE_BYTES) return undefined
    // A source that has filled one slab will probably fill another.
    const isContinued = this.#last !== undefined && this.#lastSource === source
    const size = isContinued ? SLAB_BYTES : Math.min(this.#expectedFrom(source), SLAB_BYTES)
    // No other datagram would share the slab.
    if (size <= aligned(byteLength)) return undefined
    // V8 allocates a small typed array in its own heap, which costs no more than a slab for a few datagrams.
    if (byteLength <= SMALL_BYTES && size < MANY_SMALL_BYTES) return undefined
    const made = new Slab(size)
    this.#slabs.set(source, made)
    return this.#note(source, made)
  }

  #expectedFrom(source: Endpoint | undefined): number {
    this.#expected ??= expectedBytes(this.#batch)
    return this.#expected.get(source) ?? 0
  }

  #note(source: Endpoint | undefined, slab: Slab): Slab {
    this.#lastSource = source
    this.#last = slab
    return slab
  }
}

class Slab {
  /** Number of free bytes. Stored, because reading the length of a view is slow. */
  left: number
  readonly #bytes: Buffer
  readonly #memory: ArrayBufferLike
  #next = 0

  constructor(size: number) {
    // Zeroed, because a clone of the memory includes the gaps.
    this.#bytes = Buffer.alloc(size)
    this.#memory = this.#bytes.buffer
    this.left = size
    // As in Node's own pool: transferring one datagram must not detach the memory of the others.
    mark(this.#memory)
  }

  copy(bytes: Buffer, byteLength: number): Buffer {
    const start = this.#next
    const padded = aligned(byteLength)
    this.#bytes.set(bytes, start)
    this.#next = start + padded
    this.left -= padded
    return bufferOver(this.#memory, start, byteLength)
  }
}

function expectedBytes(batch: RecvBatch | undefined): Map<Endpoint | undefined, number> {
  const expected = new Map<Endpoint | undefined, number>()
  if (batch === undefined) return expected
  for (let index = 0; index < batch.length; index += 1) {
    const source = batch.source(index)
    const bytes = roomFor(batch.size(index), batch.segmentBytes(index))
    expected.set(source, (expected.get(source) ?? 0) + bytes)
  }
  return expected
}

/** Number of bytes that the datagrams of one slot take in a slab. */
function roomFor(size: number, segmentBytes: number): number {
  return size <= segmentBytes ? aligned(size) : Math.ceil(size / segmentBytes) * aligned(segmentBytes)
}

// Each Buffer starts at a multiple of eight, so that typed arrays can use the same memory.
function aligned(byteLength: number): number {
  return (byteLength + 7) & ~7
}

function ownCopy(bytes: Buffer, byteLength: number): Buffer {
  const copy = Buffer.allocUnsafeSlow(byteLength)
  copy.set(bytes)
  return copy
}

/** Size of a slab. Small, because one kept datagram keeps its whole slab in memory. */
const SLAB_BYTES = 64 * 1024

/** Largest typed array that V8 keeps within its own heap (`v8_typed_array_max_size_in_heap`). */
const SMALL_BYTES = 64

/** Bytes per source from which small datagrams share a slab; kept datagrams then use less memory. */
const MANY_SMALL_BYTES = 2048

/** Size from which a datagram gets its own memory: too much of the slab's end would often be unused. */
const LARGE_BYTES = 8 * 1024
