import * as validate from '../arguments/validate.js'
import type { Family } from '../endpoint/endpoint.js'
import * as c from '../libc/constants.js'
import { structs } from '../libc/structs.js'
import { integerOption, setIntegerOption, setStructureOption } from './option.js'
import { SETTING_NAMES, type SocketSettings } from './socket-options.js'
import type { ZeroCopyOptions } from './zero-copy.js'

/** Options of `open`. */
export interface OpenOptions extends SocketSettings {
  /** Address family. Default `ipv4`. An IPv6 socket also receives IPv4 (as `::ffff:192.0.2.7`) unless `ipv6Only`. */
  family?: Family
  /** Count in `kernelDrops` the datagrams that the kernel drops because the receive buffer is full (SO_RXQ_OVFL). */
  countDrops?: boolean
  /** Allow GSO sends (UDP_SEGMENT). Default true; the environment variable BATCHCONN_NO_GSO=1 disables them. */
  gso?: boolean
  /**
   * Receive GRO buffers (UDP_GRO). Requires a `RecvBatch` created with `gro`. Default false; the environment variable
   * BATCHCONN_NO_GRO=1 disables them.
   */
  gro?: boolean
  /**
   * Send without copying payloads to the kernel (MSG_ZEROCOPY): GSO sends of at least `minBytes`. The kernel reads the memory
   * until `batch.inFlight` is 0. Default false; the environment variable BATCHCONN_NO_ZEROCOPY=1 disables it.
   */
  zeroCopy?: boolean | ZeroCopyOptions
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

/**
 * Options of `adopt`: all except the family, and `zeroCopy`, because the kernel numbers the zero-copy sends of a descriptor
 * and does not return the next number.
 */
export type AdoptOptions = Omit<OpenOptions, 'family' | 'zeroCopy'>

/** Options of a wait. */
export interface WaitOptions {
  /** Aborts the wait, which then rejects with the signal's reason. */
  signal?: AbortSignal | undefined
}

/** Error handling while receiving. */
export interface ReadOptions {
  /**
   * Called with each network error about an earlier datagram (`ECONNREFUSED` on a connected socket, for example). Receiving
   * continues; without this option these errors are ignored. Also called once with an error that ends receiving; without
   * this option that error is an uncaught exception (`onReadable`) or thrown (`batches`).
   */
  onError?: ((error: Error) => void) | undefined
}

/** Options of `batches`. */
export interface BatchesOptions extends WaitOptions, Pick<ReadOptions, 'onError'> {}

/** Options of a blocking wait. */
export interface BlockingOptions {
  /** Maximum time to block, in milliseconds. Default: no limit. */
  timeoutMs?: number
}

/** Names of all options except the family. */
export const OPTION_NAMES = [
  'countDrops',
  'gso',
  'gro',
  'recvTos',
  'recvTtl',
  'recvDestination',
  'recvTimestamps',
  'recvErrors',
  'freebind',
  'transparent',
  'txTime',
  ...SETTING_NAMES,
] as const satisfies readonly (keyof AdoptOptions)[]

/** Returns the validated signal of a wait's options. */
export function waitSignal(options: WaitOptions | undefined, where: string): AbortSignal | undefined {
  return validate.abortSignal(validate.options(options, where, ['signal']).signal, 'signal')
}

/** Returns the validated error callback. */
export function errorCallback(onError: ReadOptions['onError']): ReadOptions['onError'] {
  return onError === undefined ? undefined : validate.callback(onError, 'onError')
}

/** Returns the validated timeout in milliseconds; Infinity if omitted. */
export function blockingTimeout(options: BlockingOptions | undefined, where: string): number {
  const { timeoutMs = Number.POSITIVE_INFINITY } = validate.options(options, where, ['timeoutMs'])
  if (timeoutMs === Number.POSITIVE_INFINITY) return timeoutMs
  return validate.integer(timeoutMs, 'timeoutMs', 0, 2 ** 31 - 1)
}

/**
 * Enables the settings given as true. `recvErrors: false` disables it on a descriptor that has it. A dual-stack socket
 * requires the options of both protocols, because IPv4 datagrams follow the IPv4 options.
 */
export function applyControlSettings(fd: number, family: Family, settings: AdoptOptions): void {
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
