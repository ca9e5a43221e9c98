import { markAsUntransferable } from 'node:worker_threads'

/**
 * Gives out memory for datagrams that the receiver may keep for ever, carved from slabs: an allocation each would cost
 * more time, and more memory than a short datagram itself. A slab lives as long as anything carved from it.
 */
export class Slab {
  #slab = newSlab()
  #next = 0

  /** A Buffer of its own with a copy of `byteLength` bytes of `source` from `offset` on. */
  copy(source: Buffer, offset: number, byteLength: number): Buffer {
    if (byteLength > LARGE_BYTES) {
      const large = Buffer.allocUnsafeSlow(byteLength)
      source.copy(large, 0, offset, offset + byteLength)
      return large
    }
    // Node 22's `ArrayBuffer.transfer` takes a slab away all the same: it has no length then.
    if (this.#next + byteLength > this.#slab.byteLength) {
      this.#slab = newSlab()
      this.#next = 0
    }
    const start = this.#next
    source.copy(this.#slab, start, offset, offset + byteLength)
    // Every Buffer starts at a multiple of eight, so that typed arrays can be laid over it.
    this.#next = (start + byteLength + 7) & ~7
    return this.#slab.subarray(start, start + byteLength)
  }
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
