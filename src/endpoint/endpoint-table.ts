import { addressHash } from './address-hash.js'
import { type Endpoint, endpointFromSockaddr, sockaddrWords } from './endpoint.js'

/**
 * Interns endpoints: the same `sockaddr` returns the same object, so that receiving allocates one object per peer instead of
 * one per datagram.
 *
 * Memory and time are limited even for forged source addresses. The table is cleared at `limit` endpoints, the hash is
 * secret, and a ninth endpoint with the same hash replaces an earlier one.
 */
export class EndpointTable {
  readonly #buckets = new Map<number, Endpoint[]>()
  readonly #limit: number
  #size = 0

  constructor(limit = 4096) {
    this.#limit = limit
  }

  /** Returns the endpoint whose `sockaddr` of `byteLength` bytes starts at `wordOffset`. */
  lookup(words: Uint32Array, wordOffset: number, byteLength: number): Endpoint | undefined {
    const hash = addressHash(words, wordOffset, byteLength >>> 2)
    const bucket = this.#buckets.get(hash)
    const found = bucket?.find((candidate) => isAt(candidate, words, wordOffset, byteLength))
    return found ?? this.#add(hash, words, wordOffset, byteLength)
  }

  #add(hash: number, words: Uint32Array, wordOffset: number, byteLength: number): Endpoint | undefined {
    const view = new DataView(words.buffer, words.byteOffset, words.byteLength)
    const made = endpointFromSockaddr(view, wordOffset * 4, byteLength)
    if (made === undefined) return undefined
    if (this.#size >= this.#limit) {
      this.#buckets.clear()
      this.#size = 0
    }
    const bucket = this.#buckets.get(hash)
    if (bucket === undefined) this.#buckets.set(hash, [made])
    else if (bucket.push(made) > MAX_BUCKET) bucket.shift()
    this.#size += 1
    return made
  }
}

/** Returns true if the endpoint's `sockaddr` equals the one at `wordOffset`. */
export function isAt(candidate: Endpoint, words: Uint32Array, wordOffset: number, byteLength: number): boolean {
  if (candidate.byteLength !== byteLength) return false
  const own = sockaddrWords(candidate)
  for (let index = 0; index < own.length; index += 1) {
    if (own[index] !== words[wordOffset + index]) return false
  }
  return true
}

const MAX_BUCKET = 8
