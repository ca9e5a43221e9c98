import { isIP } from 'node:net'
import { rangeError, received, typeError } from '../arguments/errors.js'
import * as validate from '../arguments/validate.js'
import { decodeSockaddr, encodeSockaddr, isMappedSockaddr, sockaddrBytes } from '../layout/sockaddr.js'
import { addressHash } from './address-hash.js'
import { interfaceName, numericToText, textToNumeric } from './numeric-address.js'

/** Address family: `ipv4` is AF_INET, `ipv6` is AF_INET6. */
export type Family = 'ipv4' | 'ipv6'

/** Numeric address and port. Host names are not accepted, because they would have to be resolved first. */
export interface EndpointLike {
  /** Numeric address: `192.0.2.7`, `2001:db8::7`, or a link-local `fe80::1%eth0`. */
  readonly address: string
  /** Port, 0 to 65535. With 0, `bind` lets the kernel choose. */
  readonly port: number
}

/** Kinds of destination, as bits of a set, so that a whole batch can be checked at once. @internal */
export const DestinationKind = { connected: 1, ipv4: 2, ipv6: 4 } as const

/** Returns true for an endpoint of this library; false for a Proxy, or an object with its prototype. */
let isEndpoint: (value: unknown) => value is Endpoint

/** Returns the `sockaddr` of an endpoint, which must not be changed. @internal */
export let sockaddrWords: (endpoint: Endpoint) => Uint32Array

/** Returns the hash of the `sockaddr`: equal for endpoints with the same address and port. @internal */
export let hashOf: (endpoint: Endpoint) => number

/** Returns true if two endpoints have the same `sockaddr`. @internal */
export let isSameAddress: (endpoint: Endpoint, other: Endpoint) => boolean

/**
 * Address and port of a socket, with the bytes of its `sockaddr` ready for the kernel. Created once by `endpoint()`, and used
 * any number of times. Endpoints returned by `RecvBatch` are interned.
 *
 * Immutable: the memory that the kernel reads cannot be reached, transferred or changed from outside.
 */
export class Endpoint implements EndpointLike {
  readonly family: Family
  readonly port: number
  /** Length of the `sockaddr` in bytes: 16 or 28. @internal */
  readonly byteLength: number
  /** Bit in a set of destination kinds. @internal */
  readonly kind: number
  /** True for an IPv4-mapped IPv6 address, `::ffff:192.0.2.7`, whose packets are IPv4. @internal */
  readonly isMapped: boolean
  readonly #words: Uint32Array
  readonly #hash: number
  #address: string | undefined

  /** @internal */
  constructor(key: typeof CONSTRUCTOR_KEY, words: Uint32Array, family: Family, port: number) {
    if (key !== CONSTRUCTOR_KEY) throw typeError('ERR_ILLEGAL_CONSTRUCTOR', 'create endpoints with endpoint()')
    this.#words = words
    this.#hash = addressHash(words, 0, words.length)
    this.byteLength = sockaddrBytes(family)
    this.family = family
    this.kind = DestinationKind[family]
    this.isMapped = family === 'ipv6' && isMappedSockaddr(words)
    this.port = port
    Object.freeze(this)
  }

  /** Numeric address; with the interface if it is link-local, `fe80::1%eth0`. */
  get address(): string {
    this.#address ??= textOf(this.#words)
    return this.#address
  }

  /**
   * Returns true if both have the same address and port.
   *
   * @throws TypeError `ERR_INVALID_ARG_TYPE` if `other` is not an `Endpoint`
   */
  equals(other: Endpoint): boolean {
    if (!isEndpoint(other)) {
      throw typeError('ERR_INVALID_ARG_TYPE', `other must be an Endpoint, from endpoint(); ${received(other)}`)
    }
    return isSameAddress(this, other)
  }

  /** Returns `192.0.2.7:9000` or `[2001:db8::7]:9000`. */
  toString(): string {
    return this.family === 'ipv4' ? `${this.address}:${this.port}` : `[${this.address}]:${this.port}`
  }

  toJSON(): { address: string; port: number; family: Family } {
    return { address: this.address, port: this.port, family: this.family }
  }

  /** Returns the text for `console.log`. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `Endpoint ${this}`
  }

  static {
    isEndpoint = (value): value is Endpoint => typeof value === 'object' && value !== null && #words in value
    sockaddrWords = (endpoint) => endpoint.#words
    hashOf = (endpoint) => endpoint.#hash
    isSameAddress = (endpoint, other) => {
      const [words, others] = [endpoint.#words, other.#words]
      return words.length === others.length && words.every((word, index) => word === others[index])
    }
  }
}

/**
 * Creates an endpoint from a numeric address and a port.
 *
 * @throws TypeError `ERR_INVALID_ARG_VALUE` if the address is not numeric
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

/** Creates an endpoint from a `sockaddr` written by the kernel; undefined for a family other than IPv4 and IPv6. */
export function endpointFromSockaddr(view: DataView, offset: number, length: number): Endpoint | undefined {
  const decoded = decodeSockaddr(view, offset, length)
  if (decoded === undefined) return undefined
  const words = new Uint32Array(sockaddrBytes(decoded.family) / 4)
  new Uint8Array(words.buffer).set(new Uint8Array(view.buffer, view.byteOffset + offset, words.byteLength))
  return new Endpoint(CONSTRUCTOR_KEY, words, decoded.family, decoded.port)
}

/** Returns 4 or 6 for a numeric address, 0 otherwise. `isIP` accepts zones, but not all valid interface names. */
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

/** @throws TypeError `ERR_INVALID_ARG_TYPE` if it is not an endpoint, RangeError `ERR_SOCKET_BAD_PORT` for port 0 @internal */
export function assertDestination(destination: unknown): void {
  if (!isEndpoint(destination)) {
    const message = `destination must come from endpoint({ address, port }); ${received(destination)}`
    throw typeError('ERR_INVALID_ARG_TYPE', message)
  }
  if (destination.port === 0) {
    throw rangeError('ERR_SOCKET_BAD_PORT', 'a destination port must be an integer from 1 to 65535; received 0')
  }
}
