import * as validate from '../arguments/validate.js'
import type { Family } from '../endpoint/endpoint.js'
import { CONTROL_SETTING_NAMES, type ControlSettings } from './control-settings.js'
import { SETTING_NAMES, type SocketSettings } from './socket-options.js'

/** Options of `open`. */
export interface OpenOptions extends SocketSettings, ControlSettings {
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
}

/** Options of `adopt`: all except the family. */
export type AdoptOptions = Omit<OpenOptions, 'family'>

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
export const OPTION_NAMES = ['countDrops', 'gso', 'gro', ...SETTING_NAMES, ...CONTROL_SETTING_NAMES]

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
