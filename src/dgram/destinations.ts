import { isIP } from 'node:net'
import { type Endpoint, endpoint, type Family } from '../endpoint/endpoint.js'

/**
 * Finds the endpoint for a numeric address and a port, as `send()` is given them, without making it again each time.
 */
export class Destinations {
  readonly #family: Family
  readonly #version: 4 | 6
  readonly #known = new Map<string, Map<number, Endpoint>>()
  #size = 0
  #lastAddress = ''
  #lastPort = -1
  #last: Endpoint | undefined

  constructor(family: Family) {
    this.#family = family
    this.#version = family === 'ipv4' ? 4 : 6
  }

  /** Undefined for a host name, or an address of the other family. */
  find(address: string, port: number): Endpoint | undefined {
    if (port === this.#lastPort && address === this.#lastAddress) return this.#last
    const found = this.#known.get(address)?.get(port) ?? this.#make(address, port)
    if (found === undefined) return undefined
    this.#lastAddress = address
    this.#lastPort = port
    this.#last = found
    return found
  }

  #make(address: string, port: number): Endpoint | undefined {
    if (isIP(address) !== this.#version) return undefined
    const made = tryEndpoint(address, port)
    if (made === undefined || made.family !== this.#family) return undefined
    if (this.#size >= MAX_KNOWN) {
      this.#known.clear()
      this.#size = 0
    }
    const ports = this.#known.get(address) ?? new Map<number, Endpoint>()
    this.#known.set(address, ports.set(port, made))
    this.#size += 1
    return made
  }
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
