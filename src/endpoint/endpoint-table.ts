import { type Endpoint, endpointFromSockaddr } from './endpoint.js'

/**
 * Interns endpoints: the same `sockaddr` gives the same object, so that receiving allocates one per peer and not one
 * per datagram. Bounded, because anybody can send from any number of addresses.
 */
export class EndpointTable {
  readonly #buckets = new Map<number, Endpoint[]>()
  readonly #limit: number
  #size = 0

  constructor(limit = 4096) {
    this.#limit = limit
  }

  /** The endpoint whose `sockaddr` of `byteLength` bytes starts at `wordOffset`. */
  lookup(words: Uint32Array, wordOffset: number, byteLength: number): Endpoint | undefined {
    const hash = hashOf(words, wordOffset, byteLength >>> 2)
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
    else bucket.push(made)
    this.#size += 1
    return made
  }
}

/** True if the endpoint's `sockaddr` is the one at `wordOffset`. */
export function isAt(candidate: Endpoint, words: Uint32Array, wordOffset: number, byteLength: number): boolean {
  if (candidate.byteLength !== byteLength) return false
  const own = candidate.words
  for (let index = 0; index < own.length; index += 1) {
    if (own[index] !== words[wordOffset + index]) return false
  }
  return true
}

function hashOf(words: Uint32Array, wordOffset: number, count: number): number {
  let hash = count
  for (let index = 0; index < count; index += 1) {
    hash = Math.imul(hash ^ words[wordOffset + index], 0x9e3779b1)
    hash ^= hash >>> 15
  }
  return hash
}
