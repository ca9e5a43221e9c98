import { typeError } from '../arguments/errors.js'
import { type Address, addressOf } from '../libc/libc.js'
import { mark } from './undetachable.js'

/** Region of an arena. */
export interface Slab {
  /** Byte offset in the arena's views. */
  readonly offset: number
  /** Native address of its first byte. */
  readonly address: Address
  readonly byteLength: number
}

/**
 * Block of memory that the kernel reads and writes through its native address. It is divided into named slabs, each aligned
 * to a cache line.
 *
 * The memory does not move while the arena is referenced: an ArrayBuffer's memory never moves, and this one has a fixed
 * length and is marked untransferable. See docs/memory-safety.md for the reasons and the alternatives.
 */
export class Arena<Name extends string> {
  readonly slabs: Readonly<Record<Name, Slab>>
  readonly memory: ArrayBuffer
  readonly words: Uint32Array
  readonly bytes: Buffer
  readonly view: DataView

  /**
   * @param sizes - size of each slab in bytes
   * @param allocate - allocates zeroed memory of at least `byteLength` bytes
   */
  constructor(
    sizes: Readonly<Record<Name, number>>,
    allocate: (byteLength: number) => ArrayBuffer = (byteLength) => new ArrayBuffer(byteLength),
  ) {
    const entries = Object.entries<number>(sizes) as [Name, number][]
    const total = entries.reduce((sum, [, size]) => sum + cacheAligned(size), CACHE_LINE_BYTES)
    this.memory = allocate(total)
    mark(this.memory)
    this.words = new Uint32Array(this.memory)
    this.bytes = Buffer.from(this.memory)
    this.view = new DataView(this.memory)

    const address = addressOf(this.words)
    // The difference of two doubles is a double for V8, and so would be each offset computed from it, with every use.
    let offset = (cacheAligned(address) - address) | 0
    const slabs = entries.map(([name, byteLength]): [Name, Slab] => {
      const slab = { offset, address: address + offset, byteLength }
      offset += cacheAligned(byteLength)
      return [name, slab]
    })
    this.slabs = Object.fromEntries(slabs) as Record<Name, Slab>
  }

  /**
   * Must be called before an address of this arena is passed to the kernel.
   *
   * @throws TypeError `ERR_MEMORY_DETACHED` if the memory was transferred anyway (Node 22's `ArrayBuffer.transfer`)
   */
  assertAttached(): void {
    if (this.words.length === 0) {
      throw typeError('ERR_MEMORY_DETACHED', "the batch's memory was transferred; create a new batch")
    }
  }
}

/** Rounds `bytes` up to whole cache lines. Divides instead of using bit operations: addresses exceed 32 bits. */
export function cacheAligned(bytes: number): number {
  return Math.ceil(bytes / CACHE_LINE_BYTES) * CACHE_LINE_BYTES
}

const CACHE_LINE_BYTES = 64
