import * as validate from '../arguments/validate.js'
import type { Family } from '../endpoint/endpoint.js'
import { CONTROL_SETTING_NAMES, type ControlSettings } from './control-settings.js'
import { SETTING_NAMES, type SocketSettings } from './socket-options.js'

/** How a socket is opened. */
export interface OpenOptions extends SocketSettings, ControlSettings {
  /** Default `ipv4`. An IPv6 socket also takes IPv4 (as `::ffff:192.0.2.7`) unless `ipv6Only`. */
  family?: Family
  /** Count what the kernel drops because the receive buffer is full, in `kernelDrops` (SO_RXQ_OVFL). */
  countDrops?: boolean
  /** Allow GSO sends (UDP_SEGMENT). Default true; the environment variable BATCHCONN_NO_GSO=1 disables them. */
  gso?: boolean
  /**
   * Receive GRO buffers (UDP_GRO), into a `RecvBatch` made with `gro`. Default false; the environment variable
   * BATCHCONN_NO_GRO=1 disables them.
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

/** Where errors go that receiving meets. */
export interface ReadOptions {
  /**
   * Called with each error that the network answered an earlier datagram with (`ECONNREFUSED` on a connected socket, say):
   * receiving goes on, and without this option they are passed over. Also called, once, with an error that ends the
   * reading; without this option that is an uncaught exception (`onReadable`) or thrown (`batches`).
   */
  onError?: ((error: Error) => void) | undefined
}

/** How to read batches. */
export interface BatchesOptions extends WaitOptions, Pick<ReadOptions, 'onError'> {}

/** How long to block. */
export interface BlockingOptions {
  /** In milliseconds. Default: no limit. */
  timeoutMs?: number
}

/** The names of all options but the family. */
export const OPTION_NAMES = ['countDrops', 'gso', 'gro', ...SETTING_NAMES, ...CONTROL_SETTING_NAMES]

/** The signal of some wait options, checked. */
export function waitSignal(options: WaitOptions | undefined, where: string): AbortSignal | undefined {
  return validate.abortSignal(validate.options(options, where, ['signal']).signal, 'signal')
}

/** The error callback of some read options, checked. */
export function errorCallback(onError: ReadOptions['onError']): ReadOptions['onError'] {
  return onError === undefined ? undefined : validate.callback(onError, 'onError')
}

/** The timeout of some blocking options, in milliseconds, checked. */
export function blockingTimeout(options: BlockingOptions | undefined, where: string): number {
  const { timeoutMs = Number.POSITIVE_INFINITY } = validate.options(options, where, ['timeoutMs'])
  if (timeoutMs === Number.POSITIVE_INFINITY) return timeoutMs
  return validate.integer(timeoutMs, 'timeoutMs', 0, 2 ** 31 - 1)
}
