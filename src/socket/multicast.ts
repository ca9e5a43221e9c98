import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import { received, typeError } from '../arguments/errors.js'
import * as validate from '../arguments/validate.js'
import { type Endpoint, endpoint, type Family, sockaddrWords } from '../endpoint/endpoint.js'
import { interfaceIndex } from '../endpoint/numeric-address.js'
import {
  IP_MULTICAST_IF,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_MULTICAST_IF,
  MCAST_JOIN_GROUP,
  MCAST_JOIN_SOURCE_GROUP,
  MCAST_LEAVE_GROUP,
  MCAST_LEAVE_SOURCE_GROUP,
} from '../libc/constants.js'
import { structs } from '../libc/structs.js'
import { setIntegerOption, setStructureOption } from './option.js'

/** Name, index or address of a network interface. */
export type Interface = string | number

/** Multicast group to join or leave. */
export interface Membership {
  /** Address of the group. */
  group: string
  /** Interface on which to join. Default: chosen by the kernel's routes. */
  interface?: Interface
  /** Only sender from which to receive (source-specific multicast, RFC 4607). */
  source?: string
}

/**
 * Joins or leaves a group (MCAST_JOIN_GROUP, ip(7), RFC 3678). Both families use the same structure.
 *
 * @param descriptor - called after the membership was read, because a getter there may close the socket
 */
export function changeMembership(
  descriptor: () => number,
  family: Family,
  change: 'join' | 'leave',
  membership: Membership,
): void {
  const given = validate.options(membership, 'membership', ['group', 'interface', 'source'])
  const group = addressOfFamily(given.group, 'group', family)
  const source = given.source === undefined ? undefined : addressOfFamily(given.source, 'source', family)
  const index = given.interface === undefined ? 0 : indexOf(given.interface)
  const level = family === 'ipv4' ? IPPROTO_IP : IPPROTO_IPV6
  const name = MEMBERSHIP_OPTIONS[change][source === undefined ? 'any' : 'source']
  const { groupReq, groupSourceReq } = structs()
  const request = source === undefined ? groupReq : groupSourceReq
  setStructureOption(descriptor(), level, name, request.bytes, (view, offset) => {
    view.setUint32(offset + request.interfaceIndex, index, true)
    copySockaddr(view, offset + request.group, group)
    if (source !== undefined) copySockaddr(view, offset + groupSourceReq.source, source)
  })
}

/** Sets the interface of outgoing multicast: IP_MULTICAST_IF (ip(7), struct ip_mreqn) or IPV6_MULTICAST_IF (ipv6(7)). */
export function setMulticastInterface(fd: number, family: Family, on: Interface): void {
  const index = indexOf(on)
  if (family === 'ipv6') {
    setIntegerOption(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, index)
    return
  }
  const { ipMreqn } = structs()
  setStructureOption(fd, IPPROTO_IP, IP_MULTICAST_IF, ipMreqn.bytes, (view, offset) => {
    view.setInt32(offset + ipMreqn.interfaceIndex, index, true)
  })
}

function indexOf(on: Interface): number {
  if (typeof on === 'number') return validate.integer(on, 'interface', 0, 2 ** 31 - 1)
  const text = validate.text(on, 'interface')
  if (isIP(text) === 0) return interfaceIndex(text)
  for (const [name, addresses] of Object.entries(networkInterfaces())) {
    if (addresses?.some(({ address }) => address === text)) return interfaceIndex(name)
  }
  throw typeError('ERR_INVALID_ARG_VALUE', `interface: no interface of this host has the address ${text}`)
}

function addressOfFamily(text: unknown, name: string, family: Family): Endpoint {
  const made = endpoint({ address: validate.text(text, name), port: 0 })
  if (made.family === family) return made
  throw typeError('ERR_ADDRESS_FAMILY', `${name} must be an ${family} address, as the socket is; ${received(text)}`)
}

function copySockaddr(view: DataView, offset: number, from: Endpoint): void {
  for (const [index, word] of sockaddrWords(from).entries()) view.setUint32(offset + index * 4, word, true)
}

const MEMBERSHIP_OPTIONS = {
  join: { any: MCAST_JOIN_GROUP, source: MCAST_JOIN_SOURCE_GROUP },
  leave: { any: MCAST_LEAVE_GROUP, source: MCAST_LEAVE_SOURCE_GROUP },
} as const
