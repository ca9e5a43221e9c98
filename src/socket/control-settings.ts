import * as validate from '../arguments/validate.js'
import type { Family } from '../endpoint/endpoint.js'
import * as c from '../libc/constants.js'
import { structs } from '../libc/structs.js'
import { integerOption, setIntegerOption, setStructureOption } from './option.js'

/** Data that the kernel reports with each datagram, and features of sending. Default: off. */
export interface ControlSettings {
  /** Report the TOS or traffic class byte, which includes ECN (IP_RECVTOS, IPV6_RECVTCLASS). */
  recvTos?: boolean
  /** Report the remaining hops (IP_RECVTTL, IPV6_RECVHOPLIMIT). */
  recvTtl?: boolean
  /** Report the local address and the interface (IP_PKTINFO, IPV6_RECVPKTINFO). */
  recvDestination?: boolean
  /** Report the time at which the kernel received the datagram (SO_TIMESTAMPNS). */
  recvTimestamps?: boolean
  /**
   * Store network errors for `takeErrors()` (IP_RECVERR, IPV6_RECVERR). Default of an adopted descriptor: unchanged.
   */
  recvErrors?: boolean
  /** Allow `bind` to addresses this host does not have yet; over IPv6, also as `source` (IP_FREEBIND, IPV6_FREEBIND). */
  freebind?: boolean
  /** Allow any address of either family as `source`. Requires CAP_NET_ADMIN (IP_TRANSPARENT, IPV6_TRANSPARENT). */
  transparent?: boolean
  /** Allow `txTimeNs`, on this clock (SO_TXTIME, tc-fq(8), tc-etf(8)). */
  txTime?: 'monotonic' | 'tai'
}

/** Names of all control settings. */
export const CONTROL_SETTING_NAMES = [
  'recvTos',
  'recvTtl',
  'recvDestination',
  'recvTimestamps',
  'recvErrors',
  'freebind',
  'transparent',
  'txTime',
] as const satisfies readonly (keyof ControlSettings)[]

/**
 * Enables the settings given as true. `recvErrors: false` disables it on a descriptor that has it. A dual-stack socket
 * requires the options of both protocols, because IPv4 datagrams follow the IPv4 options.
 */
export function applyControlSettings(fd: number, family: Family, settings: ControlSettings): void {
  for (const [name, { ipv4, ipv6 }] of Object.entries(OPTIONS) as [keyof typeof OPTIONS, Option][]) {
    const { [name]: setting } = settings
    if (setting === undefined) continue
    const isOn = validate.boolean(setting, name)
    if (!isOn && name !== 'recvErrors') continue
    if (family === 'ipv6') setIntegerOption(fd, c.IPPROTO_IPV6, ipv6, isOn ? 1 : 0)
    if (family === 'ipv4' || name !== 'recvDestination') setIntegerOption(fd, c.IPPROTO_IP, ipv4, isOn ? 1 : 0)
  }
  const { recvTimestamps = false, txTime } = settings
  if (validate.boolean(recvTimestamps, 'recvTimestamps')) setIntegerOption(fd, c.SOL_SOCKET, c.SO_TIMESTAMPNS, 1)
  if (txTime !== undefined) openTxTime(fd, validate.oneOf(txTime, 'txTime', ['monotonic', 'tai']))
}

/** Returns true if the kernel stores network errors for this descriptor, as its former owner may have configured. */
export function recvErrorsSetting(fd: number, family: Family): boolean {
  if (integerOption(fd, c.IPPROTO_IP, c.IP_RECVERR) !== 0) return true
  return family === 'ipv6' && integerOption(fd, c.IPPROTO_IPV6, c.IPV6_RECVERR) !== 0
}

function openTxTime(fd: number, clock: 'monotonic' | 'tai'): void {
  const { sockTxtime } = structs()
  const number = clock === 'monotonic' ? c.CLOCK_MONOTONIC : c.CLOCK_TAI
  setStructureOption(fd, c.SOL_SOCKET, c.SO_TXTIME, sockTxtime.bytes, (view, offset) => {
    view.setInt32(offset + sockTxtime.clock, number, true)
  })
}

interface Option {
  readonly ipv4: number
  readonly ipv6: number
}

// recvDestination requires no IPv4 option on IPv6 sockets: IPV6_PKTINFO contains the mapped addresses of IPv4 datagrams.
const OPTIONS = {
  recvTos: { ipv4: c.IP_RECVTOS, ipv6: c.IPV6_RECVTCLASS },
  recvTtl: { ipv4: c.IP_RECVTTL, ipv6: c.IPV6_RECVHOPLIMIT },
  recvDestination: { ipv4: c.IP_PKTINFO, ipv6: c.IPV6_RECVPKTINFO },
  recvErrors: { ipv4: c.IP_RECVERR, ipv6: c.IPV6_RECVERR },
  freebind: { ipv4: c.IP_FREEBIND, ipv6: c.IPV6_FREEBIND },
  transparent: { ipv4: c.IP_TRANSPARENT, ipv6: c.IPV6_TRANSPARENT },
} as const satisfies Record<string, Option>
