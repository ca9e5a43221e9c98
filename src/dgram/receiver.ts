import { RecvBatch } from '../batch/recv-batch.js'
import { ErrnoError } from '../libc/errno-error.js'
import { raise } from '../loop/reactor.js'
import type { BatchConn } from '../socket/batch-conn.js'
import { Slab } from './slab.js'
import { runDueTicks, turn } from './turn.js'

/** What comes with a datagram. The names are node:dgram's; the last four are extra and only there if asked for. */
export interface RemoteInfo {
  address: string
  family: 'IPv4' | 'IPv6'
  port: number
  size: number
  tos?: number
  ecn?: number
  ttl?: number
  destination?: string
}

/** Where received datagrams go. */
export interface Recipient {
  /** False once nothing more is wanted. */
  readonly isReceiving: boolean
  /** True if somebody wants whole batches. */
  readonly wantsBatches: boolean
  /** How many listeners want single datagrams. */
  readonly messageListeners: number
  /** True if `tos`, `ttl` or `destination` was asked for. */
  readonly wantsDetails: boolean
  /** Datagrams that are taken and not handed out yet: they come first. */
  rest: Collected
  onBatch(batch: RecvBatch): void
  onMessage(bytes: Buffer, info: RemoteInfo): void
  /** @param status - a negative errno */
  onError(status: number): void
}

/** Takes what has arrived at a socket and hands it out, for a bounded time. */
export function receiveTurn(conn: BatchConn, recipient: Recipient): void {
  turn(() => receiveBatches(conn, recipient))
}

function receiveBatches(conn: BatchConn, recipient: Recipient): void {
  inbox ??= new RecvBatch({ capacity: INBOX_CAPACITY, gro: true })
  let delivered = handOutRest(recipient, true)
  while (recipient.isReceiving && delivered < MAX_MESSAGES_PER_TURN) {
    const count = receive(conn, inbox, recipient)
    if (count === 0) return
    if (recipient.wantsBatches) protect(() => recipient.onBatch(inbox as RecvBatch))
    delivered += recipient.messageListeners > 0 ? deliver(inbox, recipient) : count
    if (count < inbox.capacity) return
  }
}

function receive(conn: BatchConn, batch: RecvBatch, recipient: Recipient): number {
  try {
    return conn.recv(batch)
  } catch (error) {
    if (!(error instanceof ErrnoError)) throw error
    protect(() => recipient.onError(error.errno))
    return 0
  }
}

/** Hands out the datagrams of a batch one by one. @returns how many there were */
function deliver(batch: RecvBatch, recipient: Recipient): number {
  const { memory } = batch.slots
  const { wantsDetails } = recipient
  const { length } = batch
  // A full batch may be followed by another in this turn.
  const last = length < batch.capacity ? length - 1 : -1
  let delivered = 0
  for (let index = 0; index < length; index += 1) {
    const size = batch.size(index)
    const step = batch.segmentBytes(index)
    const start = batch.slots.payloadOffset(index)
    let offset = 0
    do {
      if (!recipient.isReceiving) return delivered
      const byteLength = Math.min(step, size - offset)
      const copy = slab.copy(memory, start + offset, byteLength)
      offset += byteLength
      delivered += 1
      const isLast = offset >= size && index === last
      const outcome = hand(recipient, copy, describe(batch, index, byteLength, wantsDetails), isLast)
      if (outcome === 'on') continue
      return defer(outcome, collect(batch, index, offset, wantsDetails), recipient)
    } while (offset < size)
  }
  return delivered
}

/** Datagrams in memory of their own. */
export type Collected = [Buffer, RemoteInfo][]

/** What is left of a batch, in memory of its own. */
function collect(batch: RecvBatch, from: number, fromOffset: number, details: boolean): Collected {
  const rest: Collected = []
  let offset = fromOffset
  for (let index = from; index < batch.length; index += 1) {
    const size = batch.size(index)
    const step = batch.segmentBytes(index)
    const start = batch.slots.payloadOffset(index)
    // An empty datagram is one too, unless it is the one that was just handed out.
    for (let isFirst = index > from; offset < size || isFirst; isFirst = false) {
      const length = Math.min(step, size - offset)
      rest.push([slab.copy(batch.slots.memory, start + offset, length), describe(batch, index, length, details)])
      offset += length
    }
    offset = 0
  }
  return rest
}

/** Whether to go on after a message, or who is to be waited for first. */
type Outcome = 'on' | 'listener' | 'uncaught'

/** @param isLast - nothing follows in this turn, and its end runs what is due */
function hand(recipient: Recipient, bytes: Buffer, info: RemoteInfo, isLast: boolean): Outcome {
  const listeners = runDueTicks === undefined ? recipient.messageListeners : 0
  try {
    recipient.onMessage(bytes, info)
  } catch (error) {
    raise(error)
    return 'uncaught'
  }
  if (isLast) return 'on'
  // Who awaits the next message, or ends listening, may say so in a promise or a tick.
  if (runDueTicks?.() === false) return 'uncaught'
  return runDueTicks === undefined && recipient.messageListeners < listeners ? 'listener' : 'on'
}

/**
 * Hands the rest out later: when the exception is dealt with or, where ticks cannot be run in between, when whoever
 * awaited one message has had the chance to await the next. Nothing of it is lost, and nothing overtakes it.
 *
 * @returns what ends the turn
 */
function defer(outcome: Outcome, rest: Collected, recipient: Recipient): number {
  recipient.rest = rest
  if (rest.length === 0) return MAX_MESSAGES_PER_TURN
  // Behind the tick that throws, which on Node 26 comes with the next immediate only.
  if (outcome === 'uncaught') process.nextTick(() => setImmediate(handOutRest, recipient))
  // From a microtask to the next tick: all other microtasks come before that.
  else queueMicrotask(() => process.nextTick(handOutRest, recipient))
  return MAX_MESSAGES_PER_TURN
}

/**
 * @param isFollowed - more may be received in this turn
 * @returns how many messages of the turn are used up
 */
function handOutRest(recipient: Recipient, isFollowed = false): number {
  const { rest } = recipient
  if (rest.length === 0) return 0
  recipient.rest = []
  for (const [index, [bytes, info]] of rest.entries()) {
    if (!recipient.isReceiving) return MAX_MESSAGES_PER_TURN
    const outcome = hand(recipient, bytes, info, !isFollowed && index + 1 === rest.length)
    if (outcome !== 'on') return defer(outcome, rest.slice(index + 1), recipient)
  }
  return rest.length
}

function describe(batch: RecvBatch, index: number, size: number, details: boolean): RemoteInfo {
  const source = batch.source(index)
  const info: RemoteInfo = {
    address: source?.address ?? '',
    family: source?.family === 'ipv6' ? 'IPv6' : 'IPv4',
    port: source?.port ?? 0,
    size,
  }
  if (!details) return info
  const extras = {
    tos: batch.tos(index),
    ecn: batch.ecn(index),
    ttl: batch.ttl(index),
    destination: batch.destination(index),
  }
  return Object.assign(info, Object.fromEntries(Object.entries(extras).filter(([, value]) => value !== undefined)))
}

function protect(callback: () => void): void {
  try {
    callback()
  } catch (error) {
    raise(error)
  }
}

// One for all sockets of a thread: each turn copies everything out before it ends. Slots have 64 KiB, for trains;
// memory that no datagram ever reached is never touched.
let inbox: RecvBatch | undefined
const slab = new Slab()
const INBOX_CAPACITY = 64

/** libuv reads 32 times a turn, then lets timers and other sockets go on; a batch is the larger unit here. */
const MAX_MESSAGES_PER_TURN = 256
