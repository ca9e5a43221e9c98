import { markAsUntransferable } from 'node:worker_threads'
import { bufferOver } from '../memory/buffer-over.js'

/**
 * Gives out memory for datagrams that the receiver may keep for ever, carved from slabs: an allocation each would cost
 * more time, and more memory than a short datagram itself. A slab lives as long as anything carved from it.
 */
export class Slab {
  #slab = newSlab()
  #memory = this.#slab.buffer
  #next = 0

  /** A Buffer of its own with a copy of `byteLength` bytes of `source` from `offset` on. */
  copy(source: ArrayBufferLike, offset: number, byteLength: number): Buffer {
    const bytes = bufferOver(source, offset, byteLength)
    if (byteLength > LARGE_BYTES) return ownCopy(bytes, byteLength)
    // Node 22's `ArrayBuffer.transfer` takes a slab away all the same: it has no length then.
    if (this.#next + byteLength > this.#slab.length) this.#renew()
    const start = this.#next
    this.#slab.set(bytes, start)
    // Every Buffer starts at a multiple of eight, so that typed arrays can be laid over it.
    this.#next = (start + byteLength + 7) & ~7
    return bufferOver(this.#memory, start, byteLength)
  }

  #renew(): void {
    this.#slab = newSlab()
    this.#memory = this.#slab.buffer
    this.#next = 0
  }
}

function ownCopy(bytes: Buffer, byteLength: number): Buffer {
  const copy = Buffer.allocUnsafeSlow(byteLength)
  copy.set(bytes)
  return copy
}

// As Node's own pool: transferring one datagram's memory must not take the others'.
function newSlab(): Buffer {
  const slab = Buffer.allocUnsafeSlow(SLAB_BYTES)
  markAsUntransferable(slab.buffer)
  return slab
}

/** Small enough that one kept datagram does not hold much, large enough that slabs are rare. */
const SLAB_BYTES = 64 * 1024

/** From here on, a slab would be wasted at its end too often. */
const LARGE_BYTES = 8 * 1024
