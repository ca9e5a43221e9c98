import * as validate from '../arguments/validate.js'
import type { Family } from '../endpoint/endpoint.js'
import { CONTROL_SETTING_NAMES, type ControlSettings } from './receive-options.js'
import { SETTING_NAMES, type SocketSettings } from './socket-options.js'

/** How a socket is opened. */
export interface OpenOptions extends SocketSettings, ControlSettings {
  /** Default `ipv4`. An IPv6 socket also takes IPv4 (as `::ffff:192.0.2.7`) unless `ipv6Only`. */
  family?: Family
  /** SO_RXQ_OVFL: count what the kernel drops because the receive buffer is full; `kernelDrops` tells. */
  countDrops?: boolean
  /** May trains be sent (UDP_SEGMENT)? Default true; the environment variable BATCHCONN_NO_GSO says no. */
  gso?: boolean
  /**
   * Take trains whole (UDP_GRO), into a `RecvBatch` made with `gro`. Default false; the environment variable
   * BATCHCONN_NO_GRO says no.
   */
  gro?: boolean
}

/** What can be changed about a descriptor that is adopted: all but its family. */
export type AdoptOptions = Omit<OpenOptions, 'family'>

/** How long to wait. */
export interface WaitOptions {
  /** Ends the wait with the signal's reason. */
  signal?: AbortSignal | undefined
}

/** How long to block. */
export interface BlockingOptions {
  /** In milliseconds; left out, for ever. */
  timeoutMs?: number
}

/** The names of all options but the family. */
export const OPTION_NAMES = ['countDrops', 'gso', 'gro', ...SETTING_NAMES, ...CONTROL_SETTING_NAMES]

/** The signal of some wait options, checked. */
export function waitSignal(options: WaitOptions | undefined, where: string): AbortSignal | undefined {
  return validate.abortSignal(validate.options(options, where, ['signal']).signal, 'signal')
}

/** The timeout of some blocking options, in milliseconds, checked. */
export function blockingTimeout(options: BlockingOptions | undefined, where: string): number {
  const { timeoutMs = Number.POSITIVE_INFINITY } = validate.options(options, where, ['timeoutMs'])
  if (timeoutMs === Number.POSITIVE_INFINITY) return timeoutMs
  return validate.integer(timeoutMs, 'timeoutMs', 0, 2 ** 31 - 1)
}
