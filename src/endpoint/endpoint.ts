import { isIP } from 'node:net'
import { received, typeError } from '../arguments/errors.js'
import * as validate from '../arguments/validate.js'
import { decodeSockaddr, encodeSockaddr, isMappedSockaddr, sockaddrBytes } from '../layout/sockaddr.js'
import { interfaceName, numericToText, textToNumeric } from './numeric-address.js'

/** `ipv4` is AF_INET, `ipv6` is AF_INET6. */
export type Family = 'ipv4' | 'ipv6'

/** A numeric address and a port, as a caller writes them. No names: resolving them is not the hot path's work. */
export interface EndpointLike {
  /** `192.0.2.7`, `2001:db8::7`, or a link-local `fe80::1%eth0`. */
  readonly address: string
  /** 0 to 65535; 0 lets the kernel choose, in `bind`. */
  readonly port: number
}

/** Sorts destinations as bits of a set, so that a whole batch is checked against its socket at once. @internal */
export const DestinationKind = { connected: 1, ipv4: 2, ipv6: 4 } as const

/** True for an endpoint of this library; a Proxy or an object with its prototype is none. @internal */
export let isEndpoint: (value: unknown) => value is Endpoint

/** The `sockaddr` of an endpoint. Not to be changed. @internal */
export let sockaddrWords: (endpoint: Endpoint) => Uint32Array

/**
 * One end of a conversation: address and port, with the bytes of its `sockaddr` ready for the kernel.
 * Made once by `endpoint()`, used any number of times; what `RecvBatch` hands out is interned.
 *
 * Immutable: what the kernel reads of it cannot be reached, transferred or changed from outside.
 */
export class Endpoint implements EndpointLike {
  readonly family: Family
  readonly port: number
  /** The length of the `sockaddr`: 16 or 28. @internal */
  readonly byteLength: number
  /** Its bit in a set of destination kinds. @internal */
  readonly kind: number
  /** True for an IPv4 address in an IPv6 one, `::ffff:192.0.2.7`: its packets are IPv4. @internal */
  readonly isMapped: boolean
  readonly #words: Uint32Array
  #address: string | undefined

  /** @internal */
  constructor(key: typeof CONSTRUCTOR_KEY, words: Uint32Array, family: Family, port: number) {
    if (key !== CONSTRUCTOR_KEY) throw typeError('ERR_ILLEGAL_CONSTRUCTOR', 'make endpoints by endpoint()')
    this.#words = words
    this.byteLength = sockaddrBytes(family)
    this.family = family
    this.kind = DestinationKind[family]
    this.isMapped = family === 'ipv6' && isMappedSockaddr(words)
    this.port = port
    Object.freeze(this)
  }

  /** The numeric address; a link-local one with its interface, `fe80::1%eth0`. */
  get address(): string {
    this.#address ??= textOf(this.#words)
    return this.#address
  }

  /**
   * True if both are the same address and port.
   *
   * @throws TypeError `ERR_INVALID_ARG_TYPE` if `other` is no `Endpoint`
   */
  equals(other: Endpoint): boolean {
    if (!isEndpoint(other)) {
      throw typeError('ERR_INVALID_ARG_TYPE', `other must be an Endpoint, from endpoint(); ${received(other)}`)
    }
    const [own, others] = [this.#words, other.#words]
    return own.length === others.length && own.every((word, index) => word === others[index])
  }

  /** `192.0.2.7:9000` or `[2001:db8::7]:9000`. */
  toString(): string {
    return this.family === 'ipv4' ? `${this.address}:${this.port}` : `[${this.address}]:${this.port}`
  }

  toJSON(): { address: string; port: number; family: Family } {
    return { address: this.address, port: this.port, family: this.family }
  }

  /** What `console.log` shows. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `Endpoint ${this}`
  }

  static {
    isEndpoint = (value): value is Endpoint => typeof value === 'object' && value !== null && #words in value
    sockaddrWords = (endpoint) => endpoint.#words
  }
}

/**
 * Makes an endpoint from a numeric address and a port.
 *
 * @throws TypeError `ERR_INVALID_ARG_VALUE` if the address is not a numeric one
 * @throws RangeError `ERR_SOCKET_BAD_PORT`
 */
export function endpoint(from: EndpointLike): Endpoint {
  if (isEndpoint(from)) return from
  if (typeof from !== 'object' || from === null) {
    throw typeError('ERR_INVALID_ARG_TYPE', `endpoint must be { address, port }; ${received(from)}`)
  }
  const { address, port: portNumber } = from
  const text = validate.text(address, 'address')
  const port = validate.port(portNumber, 'port', 0)
  const version = numericVersion(text)
  if (version === 0) {
    const message = `address must be a numeric IPv4 or IPv6 address (resolve host names first); ${received(text)}`
    throw typeError('ERR_INVALID_ARG_VALUE', message)
  }
  const family = version === 4 ? 'ipv4' : 'ipv6'
  const words = new Uint32Array(sockaddrBytes(family) / 4)
  const { bytes, scopeId } = textToNumeric(text, family)
  encodeSockaddr(new DataView(words.buffer), 0, { family, port, bytes, scopeId })
  return new Endpoint(CONSTRUCTOR_KEY, words, family, port)
}

/** The endpoint in a `sockaddr` the kernel wrote; undefined for a family that is neither IPv4 nor IPv6. */
export function endpointFromSockaddr(view: DataView, offset: number, length: number): Endpoint | undefined {
  const decoded = decodeSockaddr(view, offset, length)
  if (decoded === undefined) return undefined
  const words = new Uint32Array(sockaddrBytes(decoded.family) / 4)
  new Uint8Array(words.buffer).set(new Uint8Array(view.buffer, view.byteOffset + offset, words.byteLength))
  return new Endpoint(CONSTRUCTOR_KEY, words, decoded.family, decoded.port)
}

/** 4 or 6 for a numeric address, 0 otherwise. `isIP` knows zones, but not all names that interfaces can have. */
function numericVersion(text: string): number {
  const [numeric, zone, ...more] = text.split('%')
  const version = isIP(numeric)
  if (zone === undefined) return version
  return version === 6 && zone !== '' && more.length === 0 ? 6 : 0
}

function textOf(words: Uint32Array): string {
  const decoded = decodeSockaddr(new DataView(words.buffer, words.byteOffset), 0, words.byteLength)
  if (decoded === undefined) return ''
  const text = numericToText(decoded.bytes, decoded.family)
  return decoded.scopeId === 0 ? text : `${text}%${interfaceName(decoded.scopeId)}`
}

const CONSTRUCTOR_KEY = Symbol('batchconn endpoint')
