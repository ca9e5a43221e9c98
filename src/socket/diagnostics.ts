import { type Channel, channel } from 'node:diagnostics_channel'
import { debuglog } from 'node:util'
import type { Counters } from './counters.js'
import type { ReceiveStats, SendStats } from './socket-stats.js'

// Captured at load, so that fake timers installed later cannot delay events.
const { nextTick } = process

/** Prints rare events of sockets on standard error, if the environment variable NODE_DEBUG contains `batchconn`. */
export const log = debuglog('batchconn')

/** Socket of an event: a `BatchConn`, or a socket of `batchconn/dgram`. */
interface OfSocket {
  readonly socket: object
}

/** Event of the channel `batchconn.send`: what one `send` has added to `stats`. */
export interface SendEvent extends OfSocket, SendStats {
  /** What `send` threw; undefined if it returned. */
  readonly error: unknown
}

/** Event of the channel `batchconn.receive`: what one `recv` has added to `stats`. */
export interface ReceiveEvent extends OfSocket, ReceiveStats {
  /** What `recv` threw; undefined if it returned. */
  readonly error: unknown
}

/** Event of the channel `batchconn.gso.off`: a socket stops making GSO sends, because the device rejected one. */
export interface GsoOffEvent extends OfSocket {
  readonly reason: string
}

/** Event of the channel `batchconn.drop`. */
export interface DropEvent extends OfSocket {
  /**
   * `receive-buffer`: the kernel dropped datagrams because the receive buffer was full (`kernelDrops`). `send-queue`: `send` of
   * `batchconn/dgram` failed with ENOBUFS because its queue was full.
   */
  readonly where: 'receive-buffer' | 'send-queue'
  /** Number of datagrams since the last event. */
  readonly datagrams: number
}

export const sendChannel: Channel = channel('batchconn.send')
export const receiveChannel: Channel = channel('batchconn.receive')
export const dropChannel: Channel = channel('batchconn.drop')
const gsoOffChannel: Channel = channel('batchconn.gso.off')

/** Runs a `send`, and publishes its event unless it made no system call. */
export function publishSend(counters: Counters, send: () => number): number {
  return publishCall(sendChannel, counters, () => counters.sendStats(), send)
}

/** Runs a `recv`, and publishes its event unless it made no system call. */
export function publishReceive(counters: Counters, receive: () => number): number {
  return publishCall(receiveChannel, counters, () => counters.receiveStats(), receive)
}

/** Publishes dropped datagrams, if the channel has subscribers. */
export function publishDrop(counters: Counters, where: DropEvent['where'], datagrams: number): void {
  if (!dropChannel.hasSubscribers || counters.socket === undefined) return
  publish(dropChannel, { socket: counters.socket, where, datagrams } satisfies DropEvent, counters.isDeferred)
}

/** Reports in the next tick, because a send is under way, that a socket stops making GSO sends. */
export function reportGsoOff({ socket }: Counters, reason: string): void {
  log('GSO is off: %s', reason)
  if (socket === undefined || !gsoOffChannel.hasSubscribers) return
  publish(gsoOffChannel, { socket, reason } satisfies GsoOffEvent, true)
}

/** Warns once per thread and code (`process.emitWarning`). */
export function warnOnce(code: string, message: string): void {
  if (warned.has(code)) return
  warned.add(code)
  process.emitWarning(message, { code })
}

/**
 * Warns once if the kernel granted a smaller receive buffer than requested.
 *
 * @param requested - bytes that setsockopt(2) received
 * @param granted - bytes that getsockopt(2) returns: twice the size, if it was not reduced (socket(7))
 */
export function warnOfReceiveBuffer(requested: number, granted: number): void {
  if (granted >= 2 * requested) return
  const result = `a receive buffer of ${requested} bytes was requested; the kernel granted ${Math.floor(granted / 2)}`
  const remedy = `raise its limit: sysctl -w net.core.rmem_max=${requested}`
  warnOnce('BATCHCONN_RECEIVE_BUFFER', `${result}. Datagrams that do not fit are dropped. To ${remedy}`)
}

function publishCall(
  to: Channel,
  counters: Counters,
  read: () => SendStats | ReceiveStats,
  call: () => number,
): number {
  const before = Object.values(read())
  let error: unknown
  try {
    return call()
  } catch (thrown) {
    error = thrown
    throw thrown
  } finally {
    const changes = Object.entries(read()).map(([name, value], index) => [name, value - before[index]])
    const hasChanged = changes.some(([, change]) => change !== 0)
    const { socket, isDeferred } = counters
    if (socket !== undefined && hasChanged) publish(to, { socket, ...Object.fromEntries(changes), error }, isDeferred)
  }
}

function publish(to: Channel, event: object, isDeferred: boolean): void {
  if (isDeferred) nextTick(() => to.publish(event))
  else to.publish(event)
}

const warned = new Set<string>()
