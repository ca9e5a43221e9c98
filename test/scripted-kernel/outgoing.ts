import { AF_INET, AF_INET6 } from '../../src/libc/constants.js'
import { IOVEC, MAX_PAYLOAD_BYTES, MAX_SEGMENTS, MMSGHDR, SOCKADDR_IN_BYTES, SOCKADDR_IN6_BYTES } from './abi.js'
import { type Layer, readOutgoingControl } from './outgoing-control.js'
import type { RegisteredMemory } from './registered-memory.js'
import { expect } from './violation.js'

/** Properties of a socket that affect sending. */
export interface SocketFacts {
  readonly fd: number
  /** Index in the case. */
  readonly index: number
  readonly family: 'ipv4' | 'ipv6'
  readonly isConnected: boolean
  readonly gso: boolean
  readonly recvErrors: boolean
}

/** One message as the kernel reads it. */
export interface Outgoing {
  /** `address:port`, IPv6 addresses in 32 hexadecimal digits; empty for the connected peer. */
  readonly destination: string
  /** All options in effect, as one text. */
  readonly options: string
  /** UDP_SEGMENT; 0 for none. */
  readonly segmentBytes: number
  readonly byteLength: number
  /** Views of the memory that the header points to, valid during the call. */
  readonly datagrams: readonly Uint8Array[]
}

/**
 * Reads the mmsghdr at `address` as udp_sendmsg does (net/ipv4/udp.c).
 *
 * @throws Violation if the kernel could not use it
 */
export function readOutgoing(memory: RegisteredMemory, address: number, socket: SocketFacts): Outgoing {
  const { destination, layer } = readDestination(memory, address, socket)
  const payload = readPayload(memory, address)
  const { options, segmentBytes } = readOutgoingControl(memory, address, layer)
  if (segmentBytes > 0) {
    const segments = Math.ceil(payload.byteLength / segmentBytes)
    expect(segments <= MAX_SEGMENTS, () => `a GSO send has ${segments} segments`)
    const limit = MAX_PAYLOAD_BYTES[layer]
    expect(payload.byteLength <= limit, () => `a GSO send has ${payload.byteLength} bytes`)
  }
  const datagrams = splitPayload(payload, segmentBytes)
  return { destination, options, segmentBytes, byteLength: payload.byteLength, datagrams }
}

/** Returns the datagrams of one payload; an empty payload is one empty datagram. */
export function splitPayload(payload: Uint8Array, segmentBytes: number): Uint8Array[] {
  if (segmentBytes === 0 || payload.byteLength <= segmentBytes) return [payload]
  const count = Math.ceil(payload.byteLength / segmentBytes)
  return Array.from({ length: count }, (_, at) => payload.subarray(at * segmentBytes, (at + 1) * segmentBytes))
}

function readDestination(
  memory: RegisteredMemory,
  header: number,
  socket: SocketFacts,
): { destination: string; layer: Layer } {
  const length = memory.word(header + MMSGHDR.nameLength, 'msg_namelen')
  if (length === 0) {
    expect(socket.isConnected, () => 'a message without a destination reached an unconnected socket')
    // The cases connect to IPv4 addresses only, and to mapped addresses on IPv6 sockets.
    return { destination: '', layer: 'ipv4' }
  }
  const name = memory.bytes(memory.long(header + MMSGHDR.name, 'msg_name'), length, 'msg_name')
  const family = name[0] + name[1] * 256
  const port = name[2] * 256 + name[3]
  const expected = socket.family === 'ipv4' ? AF_INET : AF_INET6
  expect(family === expected, () => `family ${family} reached a socket of family ${expected}`)
  if (family === AF_INET) {
    expect(length >= SOCKADDR_IN_BYTES, () => `msg_namelen is ${length} for IPv4`)
    return { destination: `${name.subarray(4, 8).join('.')}:${port}`, layer: 'ipv4' }
  }
  expect(length >= SOCKADDR_IN6_BYTES, () => `msg_namelen is ${length} for IPv6`)
  const digits = Buffer.from(name.subarray(8, 24)).toString('hex')
  return { destination: `${digits}:${port}`, layer: digits.startsWith(MAPPED_PREFIX) ? 'ipv4' : 'ipv6' }
}

function readPayload(memory: RegisteredMemory, header: number): Uint8Array {
  const count = memory.long(header + MMSGHDR.iovLength, 'msg_iovlen')
  expect(count <= MAX_IOVECS, () => `msg_iovlen is ${count}`)
  const iov = memory.long(header + MMSGHDR.iov, 'msg_iov')
  memory.bytes(iov, count * IOVEC.bytes, 'msg_iov')
  const pieces: Uint8Array[] = []
  for (let at = iov; at < iov + count * IOVEC.bytes; at += IOVEC.bytes) {
    const byteLength = memory.long(at + IOVEC.length, 'iov_len')
    if (byteLength > 0) pieces.push(memory.bytes(memory.long(at + IOVEC.base, 'iov_base'), byteLength, 'iov_base'))
  }
  return pieces.length === 1 ? pieces[0] : Buffer.concat(pieces)
}

const MAPPED_PREFIX = '00000000000000000000ffff'

/** UIO_MAXIOV (include/uapi/linux/uio.h). */
const MAX_IOVECS = 1024
