import { rangeError, received, typeError } from '../arguments/errors.js'
import * as validate from '../arguments/validate.js'
import { DestinationKind, type Endpoint, endpoint, sockaddrWords } from '../endpoint/endpoint.js'
import { ControlWriter, optionControlBytes } from '../layout/control.js'
import * as c from '../libc/constants.js'
import { structs } from '../libc/structs.js'
import { maxPayloadBytes } from './send-plan.js'

/** Options of one message. */
export interface MessageOptions {
  /**
   * Segment size in bytes, for GSO (UDP_SEGMENT, udp(7)): the payload is sent as datagrams of this size, of which the last may
   * be shorter. The kernel splits it as late as possible, which saves most of the cost per datagram.
   */
  segmentBytes?: number
  /** ECN bits (RFC 3168), 0 to 3. DSCP is that of the socket (`options.tos`), or of `tos` if that is given too. */
  ecn?: number
  /** Complete TOS or traffic class byte, 0 to 255. */
  tos?: number
  /** Hop limit, 1 to 255 (IP_TTL, IPV6_HOPLIMIT). */
  ttl?: number
  /**
   * Source address (IP_PKTINFO, IPV6_PKTINFO). Must belong to this host, unless the socket was opened with `transparent` or,
   * for IPv6, with `freebind`.
   */
  source?: string
  /**
   * Index of the outgoing interface (IP_PKTINFO, IPV6_PKTINFO). Requires a destination or a source, to determine the family.
   */
  interfaceIndex?: number
  /** Time to send, in nanoseconds of the clock given at `open` (`txTime`). Requires the qdisc fq or etf. */
  txTimeNs?: bigint
}

/** IP_TOS and IPV6_TCLASS of a socket. */
export interface TrafficClass {
  readonly ipv4: number
  readonly ipv6: number
}

/**
 * Returns the segment size of a message; 0 if it is sent as a single datagram.
 *
 * @throws RangeError `ERR_GSO_TOO_LARGE`
 */
export function segmentBytesOf(
  byteLength: number,
  destination: Endpoint | undefined,
  segmentBytes: number | undefined,
  maxSegments: number,
): number {
  if (segmentBytes === undefined || byteLength <= segmentBytes) return 0
  const segments = Math.ceil(byteLength / segmentBytes)
  if (segments > maxSegments) {
    const message = `${byteLength} bytes in segments of ${segmentBytes} are ${segments} segments`
    throw rangeError('ERR_GSO_TOO_LARGE', `${message}; at most ${maxSegments} are allowed (maxSegments)`)
  }
  if (byteLength > maxPayloadBytes(destination)) {
    const message = `a GSO send must be at most ${maxPayloadBytes(destination)} bytes in all; received ${byteLength}`
    throw rangeError('ERR_GSO_TOO_LARGE', message)
  }
  return segmentBytes
}

/**
 * Reads the options of one message, then writes them, except UDP_SEGMENT, as control messages of sendmsg(2). Two steps,
 * because reading can run the caller's code, which may use the same batch.
 */
export class OptionWriter {
  segmentBytes: number | undefined
  /** ECN bits of a message whose DSCP is the socket's, which is not known before the send. */
  ecn: number | undefined
  readonly #view: DataView
  readonly #writer: ControlWriter
  readonly #sources = new Map<string, Endpoint>()
  #checked: MessageOptions | undefined
  #tos: number | undefined
  #ttl: number | undefined
  #source: Endpoint | undefined
  #interfaceIndex: number | undefined
  #txTimeNs: bigint | undefined

  constructor(view: DataView) {
    this.#view = view
    this.#writer = new ControlWriter(view)
  }

  /**
   * Reads and validates the options, each once.
   *
   * @throws TypeError or RangeError with the option's name
   */
  read(options: MessageOptions): void {
    // Check the names only when an object is first seen; check the values, which may change, each time.
    if (options !== this.#checked) {
      validate.optionNames(options, 'message options', OPTION_NAMES)
      this.#checked = options
    }
    const { segmentBytes, ecn, tos, ttl, source, interfaceIndex, txTimeNs } = options
    if (segmentBytes !== undefined) validate.integer(segmentBytes, 'segmentBytes', 1, 65_535)
    if (ecn !== undefined) validate.integer(ecn, 'ecn', 0, 3)
    if (tos !== undefined) validate.integer(tos, 'tos', 0, 255)
    if (ttl !== undefined) validate.integer(ttl, 'ttl', 1, 255)
    if (interfaceIndex !== undefined) validate.integer(interfaceIndex, 'interfaceIndex', 0, 2 ** 31 - 1)
    if (txTimeNs !== undefined) assertTime(txTimeNs)
    this.segmentBytes = segmentBytes
    this.ecn = tos === undefined ? ecn : undefined
    this.#tos = ecn === undefined ? tos : ((tos ?? 0) & ~3) | ecn
    this.#ttl = ttl
    this.#source = source === undefined ? undefined : this.#sourceOf(source)
    this.#interfaceIndex = interfaceIndex
    this.#txTimeNs = txTimeNs
  }

  /**
   * Writes the last read options at `offset`.
   *
   * @returns number of bytes written
   * @throws TypeError `ERR_ADDRESS_FAMILY`, `ERR_INVALID_ARG_VALUE`; the content of the memory is then undefined
   */
  write(offset: number, destination: Endpoint | undefined): number {
    this.#writer.reset(offset, optionControlBytes())
    if (this.#tos !== undefined) this.#writeInteger(c.IP_TOS, c.IPV6_TCLASS, this.#tos, destination)
    if (this.#ttl !== undefined) this.#writeInteger(c.IP_TTL, c.IPV6_HOPLIMIT, this.#ttl, destination)
    if (this.#source !== undefined || this.#interfaceIndex !== undefined) {
      this.#writePktinfo(this.#source, this.#interfaceIndex, destination)
    }
    if (this.#txTimeNs !== undefined) {
      this.#view.setBigUint64(this.#writer.append(c.SOL_SOCKET, c.SO_TXTIME, 8), this.#txTimeNs, true)
    }
    return this.#writer.byteLength
  }

  /** Rewrites the TOS and traffic class at `offset`, which `write` writes first. */
  rewriteTos(offset: number, destination: Endpoint | undefined, tos: TrafficClass, ecn: number): void {
    this.#writer.reset(offset, optionControlBytes())
    const [ipv4, ipv6] = [(tos.ipv4 & ~3) | ecn, (tos.ipv6 & ~3) | ecn]
    this.#writeInteger(c.IP_TOS, c.IPV6_TCLASS, ipv4, destination, ipv6)
  }

  // A message to the connected peer gets both: the kernel ignores those of the wrong family.
  #writeInteger(ipv4: number, ipv6: number, value: number, destination: Endpoint | undefined, ofIpv6 = value): void {
    const layer = networkLayer(destination)
    if (layer !== 'ipv6') this.#view.setInt32(this.#writer.append(c.IPPROTO_IP, ipv4, 4), value, true)
    if (layer !== 'ipv4') this.#view.setInt32(this.#writer.append(c.IPPROTO_IPV6, ipv6, 4), ofIpv6, true)
  }

  #writePktinfo(from: Endpoint | undefined, index = 0, destination: Endpoint | undefined): void {
    if (from !== undefined && destination !== undefined && networkLayer(from) !== networkLayer(destination)) {
      throw typeError('ERR_ADDRESS_FAMILY', `source ${from.address} cannot send to ${destination}: another family`)
    }
    const layer = from?.family ?? networkLayer(destination)
    if (layer === 'either') {
      const message =
        'interfaceIndex requires a destination or a source, because the batch does not contain the family of the connected peer'
      throw typeError('ERR_INVALID_ARG_VALUE', message)
    }
    const { inPktinfo, in6Pktinfo, sockaddrIn, sockaddrIn6 } = structs()
    if (layer === 'ipv4') {
      const at = this.#writer.append(c.IPPROTO_IP, c.IP_PKTINFO, inPktinfo.bytes)
      this.#view.setInt32(at + inPktinfo.interfaceIndex, index, true)
      if (from !== undefined) this.#copyWords(from, sockaddrIn.address, at + inPktinfo.specDst, 1)
    }
    if (layer === 'ipv6') {
      const at = this.#writer.append(c.IPPROTO_IPV6, c.IPV6_PKTINFO, in6Pktinfo.bytes)
      this.#view.setInt32(at + in6Pktinfo.interfaceIndex, index, true)
      if (from !== undefined) this.#copyWords(from, sockaddrIn6.address, at + in6Pktinfo.address, 4)
    }
  }

  #sourceOf(text: string): Endpoint {
    const known = this.#sources.get(text)
    if (known !== undefined) return known
    const made = endpoint({ address: validate.text(text, 'source'), port: 0 })
    if (this.#sources.size >= MAX_SOURCES) this.#sources.clear()
    this.#sources.set(text, made)
    return made
  }

  #copyWords(from: Endpoint, fromOffset: number, toOffset: number, count: number): void {
    for (let index = 0; index < count; index += 1) {
      this.#view.setUint32(toOffset + index * 4, sockaddrWords(from)[fromOffset / 4 + index], true)
    }
  }
}

function assertTime(txTimeNs: unknown): void {
  if (typeof txTimeNs !== 'bigint') {
    throw typeError('ERR_INVALID_ARG_TYPE', `txTimeNs must be a bigint; ${received(txTimeNs)}`)
  }
  if (txTimeNs < 0n || txTimeNs >= 2n ** 64n) {
    throw rangeError('ERR_OUT_OF_RANGE', `txTimeNs must be from 0 to 2^64 - 1; received ${txTimeNs}`)
  }
}

/** Returns the protocol that carries a message: IPv4 for IPv4-mapped destinations; `either` without a destination. */
function networkLayer(destination: Endpoint | undefined): 'ipv4' | 'ipv6' | 'either' {
  if (destination === undefined) return 'either'
  return destination.kind === DestinationKind.ipv4 || destination.isMapped ? 'ipv4' : 'ipv6'
}

const OPTION_NAMES = [
  'segmentBytes',
  'ecn',
  'tos',
  'ttl',
  'source',
  'interfaceIndex',
  'txTimeNs',
] as const satisfies readonly (keyof MessageOptions)[]

const MAX_SOURCES = 1024
