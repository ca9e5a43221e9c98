import type { RecvBatch } from '../../src/index.js'
import * as c from '../../src/libc/constants.js'
import { CMSG_ALIGNMENT, CMSGHDR } from './abi.js'
import type { Stored } from './incoming.js'
import { expect } from './violation.js'

/**
 * Checks that the values of a slot come from its own control messages, within msg_controllen. A value given by one
 * message is the expected one. Of several messages, any may be used.
 */
export function checkControl(inbox: RecvBatch, index: number, { control, bytes }: Stored): void {
  const found = readControl(control)
  const size = bytes.byteLength
  const gro = found.gro.filter((value) => value > 0 && value < size)
  check(`slot ${index}: segmentBytes`, inbox.segmentBytes(index), gro, size)
  check(`slot ${index}: tos`, inbox.tos(index), found.tos, undefined)
  check(`slot ${index}: ttl`, inbox.ttl(index), found.ttl, undefined)
  check(`slot ${index}: interfaceIndex`, inbox.interfaceIndex(index), found.interfaces, undefined)
  check(`slot ${index}: timestampNs`, inbox.timestampNs(index), found.timestamps, undefined)
  const hasDestination = inbox.destination(index) !== undefined
  expect(hasDestination === found.interfaces.length > 0, () => `slot ${index}: destination ${inbox.destination(index)}`)
}

function check<T extends number | bigint>(
  name: string,
  actual: T | undefined,
  candidates: readonly T[],
  otherwise: T | undefined,
): void {
  // A number outside its kind's range is returned as undefined or truncated; neither is specified.
  if (candidates.some((value) => value < 0 || (!name.endsWith('timestampNs') && value > MAX_VALUE))) return
  const isFine = candidates.length === 0 ? actual === otherwise : candidates.includes(actual as T)
  expect(isFine, () => `${name} is ${actual}; the control messages say ${candidates.join(' or ') || otherwise}`)
}

interface Found {
  readonly gro: number[]
  readonly tos: number[]
  readonly ttl: number[]
  readonly interfaces: number[]
  readonly timestamps: bigint[]
}

/** All values in the control messages, read as cmsg(3) describes. */
function readControl(control: Uint8Array): Found {
  const found: Found = { gro: [], tos: [], ttl: [], interfaces: [], timestamps: [] }
  const view = new DataView(control.buffer, control.byteOffset, control.byteLength)
  for (let at = 0; at + CMSGHDR.bytes <= control.byteLength; ) {
    const length = Number(view.getBigUint64(at + CMSGHDR.length, true))
    if (length < CMSGHDR.bytes || length > control.byteLength - at) break
    const data = new DataView(view.buffer, view.byteOffset + at + CMSGHDR.bytes, length - CMSGHDR.bytes)
    READERS[`${view.getInt32(at + CMSGHDR.level, true)}/${view.getInt32(at + CMSGHDR.type, true)}`]?.(data, found)
    at += Math.ceil(length / CMSG_ALIGNMENT) * CMSG_ALIGNMENT
  }
  return found
}

type Reader = (data: DataView, found: Found) => void

const readInt =
  (name: 'gro' | 'tos' | 'ttl'): Reader =>
  (data, found) => {
    if (data.byteLength >= 4) found[name].push(data.getInt32(0, true))
  }

const READERS: Record<string, Reader> = {
  [`${c.IPPROTO_UDP}/${c.UDP_GRO}`]: readInt('gro'),
  [`${c.IPPROTO_IP}/${c.IP_TTL}`]: readInt('ttl'),
  [`${c.IPPROTO_IPV6}/${c.IPV6_HOPLIMIT}`]: readInt('ttl'),
  [`${c.IPPROTO_IPV6}/${c.IPV6_TCLASS}`]: readInt('tos'),
  [`${c.IPPROTO_IP}/${c.IP_TOS}`]: (data, found) => {
    if (data.byteLength >= 1) found.tos.push(data.getUint8(0))
  },
  [`${c.IPPROTO_IP}/${c.IP_PKTINFO}`]: (data, found) => {
    if (data.byteLength >= 12) found.interfaces.push(data.getInt32(0, true))
  },
  [`${c.IPPROTO_IPV6}/${c.IPV6_PKTINFO}`]: (data, found) => {
    if (data.byteLength >= 20) found.interfaces.push(data.getInt32(16, true))
  },
  [`${c.SOL_SOCKET}/${c.SO_TIMESTAMPNS}`]: (data, found) => {
    if (data.byteLength < 16) return
    found.timestamps.push(data.getBigInt64(0, true) * 1_000_000_000n + data.getBigInt64(8, true))
  },
}

/** Largest value that the library can store for each kind. */
const MAX_VALUE = 32_767
