import { isIP } from 'node:net'
import { type Endpoint, endpoint, type Family } from '../endpoint/endpoint.js'

/**
 * Finds the endpoint for a numeric address and a port, as `send()` is given them, without making it again each time.
 */
export class Destinations {
  readonly #family: Family
  readonly #version: 4 | 6
  readonly #known = new Map<string, Map<number, Destination>>()
  #size = 0
  #last: Destination | undefined

  constructor(family: Family) {
    this.#family = family
    this.#version = family === 'ipv4' ? 4 : 6
  }

  /** Undefined for a host name, or an address of the other family. */
  find(address: string, port: number): Endpoint | undefined {
    // To one peer or to many: who follows whom is mostly as it was the last time, and to compare is less than to look up.
    const guess = this.#last?.next
    if (guess !== undefined && guess.port === port && guess.address === address) {
      this.#last = guess
      return guess.endpoint
    }
    const found = this.#known.get(address)?.get(port) ?? this.#make(address, port)
    if (found === undefined) return undefined
    if (this.#last !== undefined) this.#last.next = found
    this.#last = found
    return found.endpoint
  }

  #make(address: string, port: number): Destination | undefined {
    if (isIP(address) !== this.#version) return undefined
    const endpoint = tryEndpoint(address, port)
    if (endpoint === undefined || endpoint.family !== this.#family) return undefined
    if (this.#size >= MAX_KNOWN) {
      this.#known.clear()
      this.#size = 0
    }
    const made: Destination = { address, port, endpoint, next: undefined }
    made.next = made
    const ports = this.#known.get(address) ?? new Map<number, Destination>()
    this.#known.set(address, ports.set(port, made))
    this.#size += 1
    return made
  }
}

interface Destination {
  readonly address: string
  readonly port: number
  readonly endpoint: Endpoint
  /** Who was sent to after this one the last time. */
  next: Destination | undefined
}

// A link-local address may name an interface that is not there.
function tryEndpoint(address: string, port: number): Endpoint | undefined {
  try {
    return endpoint({ address, port })
  } catch {
    return undefined
  }
}

const MAX_KNOWN = 4096
