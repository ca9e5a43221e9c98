import { numericToText } from '../endpoint/numeric-address.js'
import { ControlCursor } from '../layout/control.js'
import * as c from '../libc/constants.js'
import { structs } from '../libc/structs.js'
import type { RecvSlots } from './recv-slots.js'

/**
 * Control messages of each received slot, parsed on first use and cached until the next receive. Only the bytes that the
 * kernel returned are read, in any order. A message that is too short for its type is ignored.
 */
export class ReceivedControl {
  readonly #slots: RecvSlots
  readonly #bytes: Buffer
  readonly #cursor: ControlCursor
  /** Generation of the receive for which each slot was parsed. */
  readonly #readOf: Uint32Array
  readonly #segmentBytes: Int32Array
  readonly #tos: Int16Array
  readonly #ttl: Int16Array
  readonly #interfaces: Int32Array
  /** Offset of the destination address in the view, and its length: 0, 4 or 16 bytes. */
  readonly #addressAt: Int32Array
  readonly #addressBytes: Int8Array
  readonly #timespecAt: Int32Array
  readonly #drops: Float64Array
  readonly #destinations = new Map<string, string>()

  constructor(slots: RecvSlots, capacity: number) {
    this.#slots = slots
    this.#bytes = Buffer.from(slots.words.buffer)
    this.#cursor = new ControlCursor(slots.view)
    this.#readOf = new Uint32Array(capacity)
    this.#segmentBytes = new Int32Array(capacity)
    this.#tos = new Int16Array(capacity)
    this.#ttl = new Int16Array(capacity)
    this.#interfaces = new Int32Array(capacity)
    this.#addressAt = new Int32Array(capacity)
    this.#addressBytes = new Int8Array(capacity)
    this.#timespecAt = new Int32Array(capacity)
    this.#drops = new Float64Array(capacity)
  }

  /** Segment size of a GRO buffer (UDP_GRO); 0 for a single datagram. */
  segmentBytes(slot: number): number {
    // Fast path: called for every datagram, and most have no control message.
    if (this.#slots.controlLength(slot) === 0) return 0
    this.#read(slot)
    return this.#segmentBytes[slot]
  }

  /** Value of IP_TOS or IPV6_TCLASS; -1 if the kernel did not report it. */
  tos(slot: number): number {
    this.#read(slot)
    return this.#tos[slot]
  }

  /** Value of IP_TTL or IPV6_HOPLIMIT; -1 if the kernel did not report it. */
  ttl(slot: number): number {
    this.#read(slot)
    return this.#ttl[slot]
  }

  /** Index of the interface on which it arrived; -1 if the kernel did not report it. */
  interfaceIndex(slot: number): number {
    this.#read(slot)
    return this.#interfaces[slot]
  }

  /** Local address to which it was sent. */
  destination(slot: number): string | undefined {
    this.#read(slot)
    const byteLength = this.#addressBytes[slot]
    if (byteLength === 0) return undefined
    const at = this.#addressAt[slot]
    const key = this.#bytes.toString('latin1', at, at + byteLength)
    const known = this.#destinations.get(key)
    if (known !== undefined) return known
    const text = numericToText(this.#bytes.subarray(at, at + byteLength), byteLength === 4 ? 'ipv4' : 'ipv6')
    if (this.#destinations.size >= MAX_DESTINATIONS) this.#destinations.clear()
    this.#destinations.set(key, text)
    return text
  }

  /** Time of arrival in nanoseconds of the wall clock (SO_TIMESTAMPNS). */
  timestampNs(slot: number): bigint | undefined {
    this.#read(slot)
    const at = this.#timespecAt[slot]
    if (at === 0) return undefined
    const { seconds, nanoseconds } = structs().timespec
    return this.#long(at + seconds) * 1_000_000_000n + this.#long(at + nanoseconds)
  }

  /** Number of datagrams dropped at the socket, modulo 2^32 (SO_RXQ_OVFL); undefined while it is zero. */
  dropCount(slot: number): number | undefined {
    this.#read(slot)
    return this.#drops[slot] < 0 ? undefined : this.#drops[slot]
  }

  #read(slot: number): void {
    if (this.#readOf[slot] === this.#slots.generation) return
    this.#readOf[slot] = this.#slots.generation
    this.#segmentBytes[slot] = 0
    this.#tos[slot] = -1
    this.#ttl[slot] = -1
    this.#interfaces[slot] = -1
    this.#addressBytes[slot] = 0
    this.#timespecAt[slot] = 0
    this.#drops[slot] = -1
    const cursor = this.#cursor
    cursor.reset(this.#slots.controlOffset(slot), this.#slots.controlLength(slot))
    while (cursor.next()) {
      if (cursor.level === c.IPPROTO_UDP) this.#readUdp(slot)
      else if (cursor.level === c.SOL_SOCKET) this.#readSocket(slot)
      else if (cursor.level === c.IPPROTO_IP) this.#readIpv4(slot)
      else if (cursor.level === c.IPPROTO_IPV6) this.#readIpv6(slot)
    }
  }

  /** Reads a C `long`, which is as wide as a pointer. */
  #long(at: number): bigint {
    const { view } = this.#slots
    return structs().pointerBytes === 8 ? view.getBigInt64(at, true) : BigInt(view.getInt32(at, true))
  }

  #readUdp(slot: number): void {
    const { type, dataBytes, dataOffset } = this.#cursor
    // A native int when receiving, but 16 bits when sending (udp(7)).
    if (type !== c.UDP_GRO || dataBytes < 4) return
    const segmentBytes = this.#slots.view.getInt32(dataOffset, true)
    if (segmentBytes > 0 && segmentBytes < this.#slots.size(slot)) this.#segmentBytes[slot] = segmentBytes
  }

  #readSocket(slot: number): void {
    const { type, dataBytes, dataOffset } = this.#cursor
    if (type === c.SO_RXQ_OVFL && dataBytes >= 4) this.#drops[slot] = this.#slots.view.getUint32(dataOffset, true)
    else if (type === c.SO_TIMESTAMPNS && dataBytes >= structs().timespec.bytes) this.#timespecAt[slot] = dataOffset
  }

  #readIpv4(slot: number): void {
    const { type, dataBytes, dataOffset } = this.#cursor
    const { inPktinfo } = structs()
    if (type === c.IP_TOS && dataBytes >= 1) this.#tos[slot] = this.#slots.view.getUint8(dataOffset)
    else if (type === c.IP_TTL && dataBytes >= 4) this.#ttl[slot] = this.#slots.view.getInt32(dataOffset, true)
    else if (type === c.IP_PKTINFO && dataBytes >= inPktinfo.bytes) {
      this.#interfaces[slot] = this.#slots.view.getInt32(dataOffset + inPktinfo.interfaceIndex, true)
      this.#addressAt[slot] = dataOffset + inPktinfo.address
      this.#addressBytes[slot] = 4
    }
  }

  #readIpv6(slot: number): void {
    const { type, dataBytes, dataOffset } = this.#cursor
    const { in6Pktinfo } = structs()
    if (type === c.IPV6_TCLASS && dataBytes >= 4) this.#tos[slot] = this.#slots.view.getInt32(dataOffset, true)
    else if (type === c.IPV6_HOPLIMIT && dataBytes >= 4) this.#ttl[slot] = this.#slots.view.getInt32(dataOffset, true)
    else if (type === c.IPV6_PKTINFO && dataBytes >= in6Pktinfo.bytes) {
      this.#interfaces[slot] = this.#slots.view.getInt32(dataOffset + in6Pktinfo.interfaceIndex, true)
      this.#addressAt[slot] = dataOffset + in6Pktinfo.address
      this.#addressBytes[slot] = 16
    }
  }
}

const MAX_DESTINATIONS = 1024
