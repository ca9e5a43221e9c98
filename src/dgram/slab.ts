import { markAsUntransferable } from 'node:worker_threads'
import type { RecvBatch } from '../batch/recv-batch.js'
import type { Endpoint } from '../endpoint/endpoint.js'
import { bufferOver } from '../memory/buffer-over.js'

/**
 * Copies datagrams into memory that their receiver may keep for ever.
 *
 * Those of one batch and one source share an ArrayBuffer: an allocation each would take three to eight times as long. Those of
 * different sources never do, since `structuredClone`, `postMessage` and `message.buffer` pass on all of an ArrayBuffer.
 */
export class Slabs {
  readonly #expected = new Map<Endpoint | undefined, number>()
  readonly #slabs = new Map<Endpoint | undefined, Slab>()
  #lastSource: Endpoint | undefined
  #last: Slab | undefined

  /** Starts with the datagrams of a batch. */
  begin(batch: RecvBatch): void {
    this.#slabs.clear()
    this.#expected.clear()
    this.#last = undefined
    for (let index = 0; index < batch.length; index += 1) {
      const source = batch.source(index)
      this.#expected.set(
        source,
        (this.#expected.get(source) ?? 0) + roomFor(batch.size(index), batch.segmentBytes(index)),
      )
    }
  }

  /** A Buffer with a copy of `byteLength` bytes from `offset` on, which came from `source`. */
  copy(memory: ArrayBufferLike, offset: number, byteLength: number, source: Endpoint | undefined): Buffer {
    const bytes = bufferOver(memory, offset, byteLength)
    const slab = this.#slabFor(source, byteLength)
    return slab === undefined ? ownCopy(bytes, byteLength) : slab.copy(bytes, byteLength)
  }

  #slabFor(source: Endpoint | undefined, byteLength: number): Slab | undefined {
    if (this.#last !== undefined && this.#lastSource === source && this.#last.left >= byteLength) return this.#last
    const known = this.#slabs.get(source)
    if (known !== undefined && known.left >= byteLength) return this.#note(source, known)
    const expected = this.#expected.get(source) ?? 0
    const size = Math.min(expected, SLAB_BYTES)
    // There is no other to share it with, or too few would fit.
    if (expected <= aligned(byteLength) || byteLength > LARGE_BYTES) return undefined
    this.#expected.set(source, expected - size)
    const made = new Slab(size)
    this.#slabs.set(source, made)
    return this.#note(source, made)
  }

  #note(source: Endpoint | undefined, slab: Slab): Slab {
    this.#lastSource = source
    this.#last = slab
    return slab
  }
}

class Slab {
  readonly #bytes: Buffer
  readonly #memory: ArrayBufferLike
  #next = 0

  constructor(size: number) {
    // Zeroed: whoever clones the memory sees the gaps as well.
    this.#bytes = Buffer.alloc(size)
    this.#memory = this.#bytes.buffer
    // As Node's own pool: to transfer the memory of one datagram must not take that of the others.
    markAsUntransferable(this.#memory)
  }

  get left(): number {
    return this.#bytes.length - this.#next
  }

  copy(bytes: Buffer, byteLength: number): Buffer {
    const start = this.#next
    this.#bytes.set(bytes, start)
    this.#next = Math.min(start + aligned(byteLength), this.#bytes.length)
    return bufferOver(this.#memory, start, byteLength)
  }
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

/** From here on, a slab would be wasted at its end too often. */
const LARGE_BYTES = 8 * 1024
