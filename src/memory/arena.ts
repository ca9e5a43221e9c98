import { markAsUntransferable } from 'node:worker_threads'
import { typeError } from '../arguments/errors.js'
import { type Address, addressOf } from '../libc/libc.js'

/** One region of an arena. */
export interface Slab {
  /** Where it starts in the arena's views, in bytes. */
  readonly offset: number
  /** Where it starts in native memory. */
  readonly address: Address
  readonly byteLength: number
}

/**
 * One block of memory that the kernel may read and write through its native address, cut into named slabs, each
 * starting on a cache line of its own.
 *
 * It stays where it is for as long as something refers to the arena: an ArrayBuffer's memory never moves, this one
 * has a fixed length, and it is marked untransferable. docs/memory-safety.md has the reasons and the alternatives.
 */
export class Arena<Name extends string> {
  readonly slabs: Readonly<Record<Name, Slab>>
  readonly memory: ArrayBuffer
  readonly words: Uint32Array
  readonly bytes: Buffer
  readonly view: DataView

  /** @param sizes - the slabs wanted, in bytes */
  constructor(sizes: Readonly<Record<Name, number>>) {
    const entries = Object.entries<number>(sizes) as [Name, number][]
    const total = entries.reduce((sum, [, size]) => sum + cacheAligned(size), CACHE_LINE_BYTES)
    this.memory = new ArrayBuffer(total)
    markAsUntransferable(this.memory)
    this.words = new Uint32Array(this.memory)
    this.bytes = Buffer.from(this.memory)
    this.view = new DataView(this.memory)

    const address = addressOf(this.words)
    let offset = cacheAligned(address) - address
    const slabs = entries.map(([name, byteLength]): [Name, Slab] => {
      const slab = { offset, address: address + offset, byteLength }
      offset += cacheAligned(byteLength)
      return [name, slab]
    })
    this.slabs = Object.fromEntries(slabs) as Record<Name, Slab>
  }

  /**
   * Call it before an address of this arena goes to the kernel.
   *
   * @throws TypeError `ERR_MEMORY_DETACHED` if the memory was taken away all the same (Node 22's `ArrayBuffer.transfer`)
   */
  assertAttached(): void {
    if (this.words.length === 0) {
      throw typeError('ERR_MEMORY_DETACHED', "the batch's memory was transferred away; make a new batch")
    }
  }
}

/** `bytes`, rounded up to whole cache lines. Division, not bit operations: addresses go beyond 32 bits. */
export function cacheAligned(bytes: number): number {
  return Math.ceil(bytes / CACHE_LINE_BYTES) * CACHE_LINE_BYTES
}

const CACHE_LINE_BYTES = 64
