import { isIP } from 'node:net'
import { type Endpoint, endpoint, type Family } from '../endpoint/endpoint.js'

/** Finds the endpoint for the numeric address and port of a `send()`, and caches it, unless it depends on an interface. */
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

  /** Returns undefined for a host name or an address of the wrong family. */
  find(address: string, port: number): Endpoint | undefined {
    // Programs usually send to the same peers in the same order: try the peer that followed last time before the map lookup.
    const guess = this.#last?.next
    if (guess !== undefined && guess.port === port && guess.address === address) {
      this.#last = guess
      return guess.endpoint
    }
    // The interface of a link-local address can be replaced by another one of the same name.
    if (address.includes('%')) return this.#endpoint(address, port)
    const found = this.#known.get(address)?.get(port) ?? this.#make(address, port)
    if (found === undefined) return undefined
    if (this.#last !== undefined) this.#last.next = found
    this.#last = found
    return found.endpoint
  }

  #endpoint(address: string, port: number): Endpoint | undefined {
    if (isIP(address) !== this.#version) return undefined
    const endpoint = tryEndpoint(address, port)
    return endpoint?.family === this.#family ? endpoint : undefined
  }

  #make(address: string, port: number): Destination | undefined {
    const endpoint = this.#endpoint(address, port)
    if (endpoint === undefined) return undefined
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
  /** Destination that followed this one last time. */
  next: Destination | undefined
}

// Returns undefined for a link-local address on an interface that does not exist.
function tryEndpoint(address: string, port: number): Endpoint | undefined {
  try {
    return endpoint({ address, port })
  } catch {
    return undefined
  }
}

/** Up to 0.5 KiB each. */
const MAX_KNOWN = 65_536

/** Destinations of all sockets of a thread: those of one socket often repeat those of others, and are then in the processor's cache. */
export const destinations = { udp4: new Destinations('ipv4'), udp6: new Destinations('ipv6') }
