import * as validate from '../arguments/validate.js'
import type { Family } from '../endpoint/endpoint.js'
import * as c from '../libc/constants.js'
import { structs } from '../libc/structs.js'
import { integerOption, setIntegerOption, setStructureOption } from './option.js'

/** What the kernel reports with each datagram, and what sending may use. Default: off. */
export interface ControlSettings {
  /** Report the TOS or traffic class byte, and so ECN (IP_RECVTOS, IPV6_RECVTCLASS). */
  recvTos?: boolean
  /** Report the hops left (IP_RECVTTL, IPV6_RECVHOPLIMIT). */
  recvTtl?: boolean
  /** Report the local address and the interface (IP_PKTINFO, IPV6_RECVPKTINFO). */
  recvDestination?: boolean
  /** Report when the kernel received it (SO_TIMESTAMPNS). */
  recvTimestamps?: boolean
  /**
   * Keep ICMP errors for `takeErrors()` (IP_RECVERR, IPV6_RECVERR). Left out, an adopted descriptor keeps its setting.
   */
  recvErrors?: boolean
  /** Allow `bind` to addresses this host does not have yet; over IPv6, also as `source` (IP_FREEBIND, IPV6_FREEBIND). */
  freebind?: boolean
  /** Allow any address as `source`, of both families; needs CAP_NET_ADMIN (IP_TRANSPARENT, IPV6_TRANSPARENT). */
  transparent?: boolean
  /** Allow `txTimeNs`, counted by this clock (SO_TXTIME, tc-fq(8), tc-etf(8)). */
  txTime?: 'monotonic' | 'tai'
}

/** The names of all control settings. */
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
 * Switches on the options given as true; `recvErrors: false` switches it off on a descriptor that has it.
 * A dual-stack socket needs both protocols' options: its IPv4 datagrams follow IPv4's.
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

/** True if the kernel keeps network errors for this descriptor: its former owner may have asked for that. */
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

// IPv6's packet info contains the mapped addresses of IPv4 datagrams, so recvDestination needs no second option there.
const OPTIONS = {
  recvTos: { ipv4: c.IP_RECVTOS, ipv6: c.IPV6_RECVTCLASS },
  recvTtl: { ipv4: c.IP_RECVTTL, ipv6: c.IPV6_RECVHOPLIMIT },
  recvDestination: { ipv4: c.IP_PKTINFO, ipv6: c.IPV6_RECVPKTINFO },
  recvErrors: { ipv4: c.IP_RECVERR, ipv6: c.IPV6_RECVERR },
  freebind: { ipv4: c.IP_FREEBIND, ipv6: c.IPV6_FREEBIND },
  transparent: { ipv4: c.IP_TRANSPARENT, ipv6: c.IPV6_TRANSPARENT },
} as const satisfies Record<string, Option>
