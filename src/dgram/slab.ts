import { markAsUntransferable } from 'node:worker_threads'
import type { RecvBatch } from '../batch/recv-batch.js'
import type { Endpoint } from '../endpoint/endpoint.js'
import { bufferOver } from '../memory/buffer-over.js'

/**
 * Copies datagrams into memory that their receiver may keep for ever.
 *
 * Those that come together from one source share an ArrayBuffer: an allocation each would take three to eight times as long.
 * Those of different sources never do, since `structuredClone`, `postMessage` and `message.buffer` pass on all of an
 * ArrayBuffer.
 */
export class Slabs {
  readonly #slabs = new Map<Endpoint | undefined, Slab>()
  /** Bytes of the batch by source; undefined until they are needed. */
  #expected: Map<Endpoint | undefined, number> | undefined
  #batch: RecvBatch | undefined
  #lastSource: Endpoint | undefined
  #last: Slab | undefined

  /** Starts with the datagrams of a batch. */
  begin(batch: RecvBatch): void {
    this.#slabs.clear()
    this.#expected = undefined
    this.#batch = batch
  }

  /** A copy of a datagram from `source`. */
  copy(bytes: Buffer, byteLength: number, source: Endpoint | undefined): Buffer {
    const slab = this.#slabFor(source, byteLength)
    return slab === undefined ? ownCopy(bytes, byteLength) : slab.copy(bytes, byteLength)
  }

  #slabFor(source: Endpoint | undefined, byteLength: number): Slab | undefined {
    if (this.#last !== undefined && this.#lastSource === source && this.#last.left >= byteLength) return this.#last
    const known = this.#slabs.get(source)
    if (known !== undefined && known.left >= byteLength) return this.#note(source, known)
    if (byteLength > LARGE_BYTES) return undefined
    // A source whose slab is used up will fill another.
    const isContinued = this.#last !== undefined && this.#lastSource === source
    const size = isContinued ? SLAB_BYTES : Math.min(this.#expectedFrom(source), SLAB_BYTES)
    // There is no other to share it with.
    if (size <= aligned(byteLength)) return undefined
    // V8 keeps a small typed array within its own heap, which costs no more than a slab for a few.
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
  /** Bytes that are free. A number of its own: asking a view for its length is slow. */
  left: number
  readonly #bytes: Buffer
  readonly #memory: ArrayBufferLike
  #next = 0

  constructor(size: number) {
    // Zeroed: a clone of the memory has the gaps as well.
    this.#bytes = Buffer.alloc(size)
    this.#memory = this.#bytes.buffer
    this.left = size
    // As Node's own pool: to transfer the memory of one datagram must not take that of the others.
    markAsUntransferable(this.#memory)
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

/** Bytes that the datagrams of one slot take in a slab. */
function roomFor(size: number, segmentBytes: number): number {
  return size <= segmentBytes ? aligned(size) : Math.ceil(size / segmentBytes) * aligned(segmentBytes)
}

// Every Buffer starts at a multiple of eight, so that typed arrays can be laid over it.
function aligned(byteLength: number): number {
  return (byteLength + 7) & ~7
}

function ownCopy(bytes: Buffer, byteLength: number): Buffer {
  const copy = Buffer.allocUnsafeSlow(byteLength)
  copy.set(bytes)
  return copy
}

/** Small enough that one datagram which is kept does not hold much. */
const SLAB_BYTES = 64 * 1024

/** Largest typed array that V8 keeps within its own heap (`v8_typed_array_max_size_in_heap`). */
const SMALL_BYTES = 64

/** From so many bytes of one source on, small datagrams share a slab, which takes less memory where they are kept. */
const MANY_SMALL_BYTES = 2048

/** From here on, a slab would be wasted at its end too often. */
const LARGE_BYTES = 8 * 1024
