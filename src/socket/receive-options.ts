import * as validate from '../arguments/validate.js'
import type { Family } from '../endpoint/endpoint.js'
import * as c from '../libc/constants.js'
import { structs } from '../libc/structs.js'
import { setIntegerOption, setStructureOption } from './option.js'

/** What the kernel is to tell about each datagram, and what sending may use. Off unless asked for. */
export interface ControlSettings {
  /** Tell the TOS or traffic class byte, and so ECN (IP_RECVTOS, IPV6_RECVTCLASS). */
  recvTos?: boolean
  /** Tell the hops left (IP_RECVTTL, IPV6_RECVHOPLIMIT). */
  recvTtl?: boolean
  /** Tell the local address and the interface (IP_PKTINFO, IPV6_RECVPKTINFO). */
  recvDestination?: boolean
  /** Tell when the kernel received it (SO_TIMESTAMPNS). */
  recvTimestamps?: boolean
  /** Keep ICMP errors for `errors()` (IP_RECVERR, IPV6_RECVERR). */
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

/** Switches on what is asked for. A dual-stack socket needs both protocols' options: its IPv4 datagrams heed IPv4's. */
export function applyControlSettings(fd: number, family: Family, settings: ControlSettings): void {
  for (const [name, { ipv4, ipv6 }] of Object.entries(OPTIONS) as [keyof typeof OPTIONS, Option][]) {
    if (!validate.boolean(settings[name] ?? false, name)) continue
    if (family === 'ipv6') setIntegerOption(fd, c.IPPROTO_IPV6, ipv6, 1)
    if (family === 'ipv4' || name !== 'recvDestination') setIntegerOption(fd, c.IPPROTO_IP, ipv4, 1)
  }
  if (validate.boolean(settings.recvTimestamps ?? false, 'recvTimestamps')) {
    setIntegerOption(fd, c.SOL_SOCKET, c.SO_TIMESTAMPNS, 1)
  }
  if (settings.txTime !== undefined) openTxTime(fd, validate.oneOf(settings.txTime, 'txTime', ['monotonic', 'tai']))
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

// IPv6's packet info tells IPv4 datagrams' addresses as well, mapped, so recvDestination needs no second option there.
const OPTIONS = {
  recvTos: { ipv4: c.IP_RECVTOS, ipv6: c.IPV6_RECVTCLASS },
  recvTtl: { ipv4: c.IP_RECVTTL, ipv6: c.IPV6_RECVHOPLIMIT },
  recvDestination: { ipv4: c.IP_PKTINFO, ipv6: c.IPV6_RECVPKTINFO },
  recvErrors: { ipv4: c.IP_RECVERR, ipv6: c.IPV6_RECVERR },
  freebind: { ipv4: c.IP_FREEBIND, ipv6: c.IPV6_FREEBIND },
  transparent: { ipv4: c.IP_TRANSPARENT, ipv6: c.IPV6_TRANSPARENT },
} as const satisfies Record<string, Option>
