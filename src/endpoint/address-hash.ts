import { randomBytes } from 'node:crypto'

/**
 * Returns the hash of `count` words of a `sockaddr`. The seed and factor are secret, so that addresses with the same hash
 * cannot be computed in advance.
 */
export function addressHash(words: Uint32Array, wordOffset: number, count: number): number {
  let hash = SEED
  for (let index = 0; index < count; index += 1) {
    hash = Math.imul(hash ^ words[wordOffset + index], FACTOR)
    hash ^= hash >>> 15
  }
  return hash
}

const SEED = randomBytes(4).readInt32LE()

/** Factor of the hash. Odd, so that multiplication loses no bits. */
const FACTOR = randomBytes(4).readInt32LE() | 1
