import { AF_INET, AF_INET6 } from '../libc/constants.js'
import { structs } from '../libc/structs.js'

/** Content of a socket address. Bytes are in network order, as from inet_pton(3). */
export interface SocketAddress {
  readonly family: 'ipv4' | 'ipv6'
  readonly port: number
  /** Numeric address, 4 or 16 bytes. */
  readonly bytes: Uint8Array
  /** Interface index of a link-local address. IPv6 only. */
  readonly scopeId: number
}

/** Number of bytes of the family's `sockaddr`. */
export function sockaddrBytes(family: SocketAddress['family']): number {
  return family === 'ipv4' ? structs().sockaddrIn.bytes : structs().sockaddrIn6.bytes
}

/** Space for a socket address of either family, a multiple of eight bytes for alignment. */
export const SOCKADDR_SLOT_BYTES = 32

/** Writes `struct sockaddr_in` (ip(7)) or `struct sockaddr_in6` (ipv6(7)) at `offset`. */
export function encodeSockaddr(view: DataView, offset: number, address: SocketAddress): void {
  const isIpv4 = address.family === 'ipv4'
  const { family, port, address: bytes } = isIpv4 ? structs().sockaddrIn : structs().sockaddrIn6
  view.setUint16(offset + family, isIpv4 ? AF_INET : AF_INET6, true)
  view.setUint16(offset + port, address.port)
  for (const [index, byte] of address.bytes.entries()) view.setUint8(offset + bytes + index, byte)
  if (!isIpv4) view.setUint32(offset + structs().sockaddrIn6.scopeId, address.scopeId, true)
}

/** Returns true if a `sockaddr_in6` contains an IPv4-mapped address, ::ffff:0:0/96 (RFC 4291). */
export function isMappedSockaddr(words: Uint32Array): boolean {
  const at = structs().sockaddrIn6.address / 4
  return words[at] === 0 && words[at + 1] === 0 && words[at + 2] === 0xffff0000
}

/** Reads a socket address of `length` bytes at `offset`; undefined for a family other than IPv4 and IPv6. */
export function decodeSockaddr(view: DataView, offset: number, length: number): SocketAddress | undefined {
  const { sockaddrIn, sockaddrIn6 } = structs()
  if (length < 2) return undefined
  const number = view.getUint16(offset + sockaddrIn.family, true)
  const bytesAt = (at: number, count: number) => new Uint8Array(view.buffer, view.byteOffset + at, count).slice()
  if (number === AF_INET && length >= sockaddrIn.bytes) {
    return {
      family: 'ipv4',
      port: view.getUint16(offset + sockaddrIn.port),
      bytes: bytesAt(offset + sockaddrIn.address, 4),
      scopeId: 0,
    }
  }
  if (number === AF_INET6 && length >= sockaddrIn6.bytes) {
    return {
      family: 'ipv6',
      port: view.getUint16(offset + sockaddrIn6.port),
      bytes: bytesAt(offset + sockaddrIn6.address, 16),
      scopeId: view.getUint32(offset + sockaddrIn6.scopeId, true),
    }
  }
  return undefined
}
