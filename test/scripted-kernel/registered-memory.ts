import { expect, Violation } from './violation.js'

/** Memory whose native address the library has obtained. */
interface Range {
  readonly address: number
  readonly end: number
  readonly bytes: Uint8Array
  readonly words: Uint32Array
  /** For memory of the caller: the views of it that the batch references at the moment. */
  readonly held: readonly Uint8Array[] | undefined
}

/**
 * Native memory that may be passed to the kernel: views that were passed to `addressOf`. It is read through those
 * views, which is fast, and which also proves that every address is within registered and attached memory.
 */
export class RegisteredMemory {
  readonly #ranges: Range[] = []
  /**
   * Memory of the caller, with the views of it that the batch references at the moment. Declared before it is
   * registered.
   */
  readonly #held = new Map<ArrayBufferLike, Uint8Array[]>()
  #last: Range | undefined

  /** Records that the library has obtained the address of a view. */
  register(view: ArrayBufferView, address: number): void {
    const { buffer, byteOffset, byteLength } = view
    this.#ranges.push({
      address,
      end: address + byteLength,
      bytes: new Uint8Array(buffer, byteOffset, byteLength),
      words: new Uint32Array(buffer, byteOffset, byteLength >>> 2),
      held: this.#held.get(buffer),
    })
  }

  /** Declares memory as the caller's: only referenced parts of it may be passed to the kernel. */
  declareExternal(buffer: ArrayBufferLike): void {
    if (!this.#held.has(buffer)) this.#held.set(buffer, [])
  }

  /** The batch references this view from now on. */
  hold(view: Uint8Array): void {
    this.declareExternal(view.buffer)
    this.#held.get(view.buffer)?.push(view)
  }

  /** The batch was cleared: it references no view. */
  releaseAll(): void {
    for (const views of this.#held.values()) views.length = 0
  }

  /** Removes all records. */
  reset(): void {
    this.#ranges.length = 0
    this.#held.clear()
    this.#last = undefined
  }

  /** A 32-bit member of a structure. */
  word(address: number, what: string): number {
    const range = this.#find(address, 4, what)
    return range.words[wordIndex(range, address, what)]
  }

  writeWord(address: number, value: number, what: string): void {
    const range = this.#find(address, 4, what)
    range.words[wordIndex(range, address, what)] = value
  }

  /** A 64-bit member: a pointer or a size_t. */
  long(address: number, what: string): number {
    const high = this.word(address + 4, what)
    expect(high < 2 ** 21, () => `${what} is not an address or length: its high word is ${high}`)
    return this.word(address, what) + high * 2 ** 32
  }

  /** Returns the memory itself, to read from and write to. */
  bytes(address: number, byteLength: number, what: string): Uint8Array {
    const range = this.#find(address, byteLength, what)
    const offset = address - range.address
    return range.bytes.subarray(offset, offset + byteLength)
  }

  /** Returns the native address of a view that was returned to the caller. */
  addressOfView(view: Uint8Array): number {
    const range = this.#ranges.find(({ bytes }) => bytes.buffer === view.buffer)
    if (range === undefined) throw new Violation('a view lies in memory that is not registered')
    return range.address + view.byteOffset - range.bytes.byteOffset
  }

  #find(address: number, byteLength: number, what: string): Range {
    const end = address + byteLength
    if (this.#last !== undefined && covers(this.#last, address, end)) return this.#last
    for (const range of this.#ranges) {
      if (!covers(range, address, end)) continue
      this.#last = range
      return range
    }
    throw new Violation(`${what}: ${byteLength} bytes at 0x${address.toString(16)} are not registered, alive and held`)
  }
}

function covers(range: Range, address: number, end: number): boolean {
  if (address < range.address || end > range.end) return false
  // Detached memory has no bytes.
  if (range.bytes.byteLength === 0) return address === end
  return range.held === undefined || range.held.some((view) => isWithin(view, range, address, end))
}

function isWithin(view: Uint8Array, range: Range, address: number, end: number): boolean {
  const start = range.address - range.bytes.byteOffset + view.byteOffset
  return address >= start && end <= start + view.byteLength
}

function wordIndex(range: Range, address: number, what: string): number {
  const offset = address - range.address
  expect(offset % 4 === 0, () => `${what} at 0x${address.toString(16)} is not aligned`)
  return offset / 4
}
