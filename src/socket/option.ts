import type { TrafficClass } from '../batch/message-options.js'
import type { Family } from '../endpoint/endpoint.js'
import { check } from '../libc/check.js'
import { IP_TOS, IPPROTO_IP, IPPROTO_IPV6, IPV6_TCLASS } from '../libc/constants.js'
import { libc } from '../libc/libc.js'
import { scratch } from '../memory/scratch.js'

/** Reads an int option (getsockopt(2)). */
export function integerOption(fd: number, level: number, name: number): number {
  const { slabs, view } = scratch()
  const { value, length } = slabs
  view.setUint32(length.offset, 4, true)
  // IP_MULTICAST_LOOP and similar options may write a single byte.
  view.setInt32(value.offset, 0, true)
  check(libc().getsockopt(fd, level, name, value.address, length.address), 'getsockopt')
  return view.getInt32(value.offset, true)
}

/** Reads one element of an unsigned int array option (getsockopt(2)); undefined if the kernel does not support it. */
export function unsignedOption(fd: number, level: number, name: number, index: number): number | undefined {
  const { slabs, view } = scratch()
  const { value, length } = slabs
  view.setUint32(length.offset, value.byteLength, true)
  if (libc().getsockopt(fd, level, name, value.address, length.address) < 0) return undefined
  return view.getUint32(length.offset, true) > index * 4 ? view.getUint32(value.offset + index * 4, true) : undefined
}

/** Reads IP_TOS, and IPV6_TCLASS of an IPv6 socket, which sends IPv4 with the former. */
export function trafficClass(fd: number, family: Family): TrafficClass {
  const ipv4 = integerOption(fd, IPPROTO_IP, IP_TOS)
  return { ipv4, ipv6: family === 'ipv6' ? integerOption(fd, IPPROTO_IPV6, IPV6_TCLASS) : 0 }
}

/** Sets an int option (setsockopt(2)). */
export function setIntegerOption(fd: number, level: number, name: number, value: number): void {
  const { slabs, view } = scratch()
  view.setInt32(slabs.value.offset, value, true)
  check(libc().setsockopt(fd, level, name, slabs.value.address, 4), 'setsockopt')
}

/**
 * Sets an option whose value is a structure (setsockopt(2)).
 *
 * @param byteLength - size of the structure
 * @param write - writes the structure at `offset` in zeroed memory
 */
export function setStructureOption(
  fd: number,
  level: number,
  name: number,
  byteLength: number,
  write: (view: DataView, offset: number) => void,
): void {
  const { slabs, bytes, view } = scratch()
  const { offset, address } = slabs.value
  bytes.fill(0, offset, offset + byteLength)
  write(view, offset)
  check(libc().setsockopt(fd, level, name, address, byteLength), 'setsockopt')
}

/** Reads an option whose value is a NUL-terminated string (getsockopt(2)). */
export function textOption(fd: number, level: number, name: number): string {
  const { slabs, bytes, view } = scratch()
  const { value, length } = slabs
  view.setUint32(length.offset, value.byteLength, true)
  check(libc().getsockopt(fd, level, name, value.address, length.address), 'getsockopt')
  return bytes.toString('latin1', value.offset, value.offset + Math.max(view.getUint32(length.offset, true) - 1, 0))
}

/** Sets an option whose value is a short string (setsockopt(2)); an error names it. */
export function setTextOption(fd: number, level: number, name: number, text: string): void {
  const { slabs, bytes } = scratch()
  const { offset, address, byteLength } = slabs.value
  const length = bytes.write(text, offset, byteLength, 'latin1')
  check(libc().setsockopt(fd, level, name, address, length), 'setsockopt', { address: text })
}
