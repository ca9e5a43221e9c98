import { structs } from '../libc/structs.js'

/** Stores a native address at a word offset, as one or two 32-bit words, without a BigInt. */
export function writePointer(words: Uint32Array, at: number, address: number): void {
  words[at] = address
  if (structs().pointerBytes === 8) words[at + 1] = Math.floor(address / 2 ** 32)
}

/** Reads the native address at a word offset. */
export function readPointer(words: Uint32Array, at: number): number {
  return structs().pointerBytes === 8 ? words[at] + words[at + 1] * 2 ** 32 : words[at]
}
