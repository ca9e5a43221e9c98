import * as c from '../../src/libc/constants.js'
import { CMSG_ALIGNMENT, CMSGHDR, MMSGHDR } from './abi.js'
import type { RegisteredMemory } from './registered-memory.js'
import { expect, Violation } from './violation.js'

/** The protocol that carries a message; IPv4 for mapped addresses. */
export type Layer = 'ipv4' | 'ipv6'

/** Effect of the control messages of one message. */
export interface OutgoingControl {
  /** `tos=4 ttl=7` and so on, in this order; empty for none. */
  readonly options: string
  /** UDP_SEGMENT; 0 for none. */
  readonly segmentBytes: number
}

/**
 * Reads the control messages of the mmsghdr at `header` as ip_cmsg_send, ip6_datagram_send_ctl, __sock_cmsg_send and
 * udp_cmsg_send do. Those of the other protocol have no effect.
 *
 * @throws Violation where the kernel returns EINVAL
 */
export function readOutgoingControl(memory: RegisteredMemory, header: number, layer: Layer): OutgoingControl {
  const byteLength = memory.long(header + MMSGHDR.controlLength, 'msg_controllen')
  if (byteLength === 0) return NONE
  const start = memory.long(header + MMSGHDR.control, 'msg_control')
  const bytes = memory.bytes(start, byteLength, 'msg_control')
  const view = new DataView(bytes.buffer, bytes.byteOffset, byteLength)
  const found: Found = { segmentBytes: 0, texts: new Map() }
  for (let at = 0; at + CMSGHDR.bytes <= byteLength; ) {
    const length = view.getUint32(at + CMSGHDR.length, true)
    const isValid = view.getUint32(at + 4, true) === 0 && length >= CMSGHDR.bytes && length <= byteLength - at
    expect(isValid, () => `cmsg_len is ${length} with ${byteLength - at} bytes left`)
    const key = `${view.getInt32(at + CMSGHDR.level, true)}/${view.getInt32(at + CMSGHDR.type, true)}`
    const data = new DataView(view.buffer, view.byteOffset + at + CMSGHDR.bytes, length - CMSGHDR.bytes)
    readMessage(key, data, layer, found)
    at += Math.ceil(length / CMSG_ALIGNMENT) * CMSG_ALIGNMENT
  }
  const options = ORDER.map((name) => found.texts.get(name)).filter((text) => text !== undefined)
  return { options: options.join(' '), segmentBytes: found.segmentBytes }
}

interface Found {
  segmentBytes: number
  readonly texts: Map<string, string>
}

function readMessage(key: string, data: DataView, layer: Layer, found: Found): void {
  if (key === SEGMENT) {
    sized(data, 2, 'UDP_SEGMENT')
    found.segmentBytes = data.getUint16(0, true)
    expect(found.segmentBytes > 0, () => 'UDP_SEGMENT is 0')
    return
  }
  const reader = READERS[key]
  if (reader === undefined) throw new Violation(`unexpected control message ${key}`)
  if (reader.layer !== undefined && reader.layer !== layer) return
  sized(data, reader.bytes, key)
  for (const [name, value] of Object.entries(reader.read(data))) found.texts.set(name, `${name}=${value}`)
}

function sized(data: DataView, byteLength: number, name: string): void {
  expect(data.byteLength === byteLength, () => `control message ${name} has ${data.byteLength} bytes of data`)
}

interface Reader {
  /** The protocol it has an effect on; undefined for both. */
  readonly layer?: Layer
  readonly bytes: number
  read(data: DataView): Record<string, number | string | bigint>
}

const SEGMENT = `${c.IPPROTO_UDP}/${c.UDP_SEGMENT}`

const READERS: Record<string, Reader> = {
  [`${c.IPPROTO_IP}/${c.IP_TOS}`]: { layer: 'ipv4', bytes: 4, read: (data) => ({ tos: data.getInt32(0, true) }) },
  [`${c.IPPROTO_IP}/${c.IP_TTL}`]: { layer: 'ipv4', bytes: 4, read: (data) => ({ ttl: data.getInt32(0, true) }) },
  [`${c.IPPROTO_IP}/${c.IP_PKTINFO}`]: {
    layer: 'ipv4',
    bytes: 12,
    read: (data) => ({ interface: data.getInt32(0, true), source: numbers(data, 4, 8).join('.') }),
  },
  [`${c.IPPROTO_IPV6}/${c.IPV6_TCLASS}`]: {
    layer: 'ipv6',
    bytes: 4,
    read: (data) => ({ tos: data.getInt32(0, true) }),
  },
  [`${c.IPPROTO_IPV6}/${c.IPV6_HOPLIMIT}`]: {
    layer: 'ipv6',
    bytes: 4,
    read: (data) => ({ ttl: data.getInt32(0, true) }),
  },
  [`${c.IPPROTO_IPV6}/${c.IPV6_PKTINFO}`]: {
    layer: 'ipv6',
    bytes: 20,
    read: (data) => ({
      interface: data.getInt32(16, true),
      source: Buffer.from(numbers(data, 0, 16)).toString('hex'),
    }),
  },
  [`${c.SOL_SOCKET}/${c.SO_TXTIME}`]: { bytes: 8, read: (data) => ({ txtime: data.getBigUint64(0, true) }) },
}

function numbers(data: DataView, from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => data.getUint8(from + index))
}

/** Order of the options in the text. */
const ORDER = ['tos', 'ttl', 'interface', 'source', 'txtime']

const NONE: OutgoingControl = { options: '', segmentBytes: 0 }
