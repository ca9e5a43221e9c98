import * as timers from 'node:timers'
import { RecvBatch } from '../batch/recv-batch.js'
import type { Endpoint } from '../endpoint/endpoint.js'
import { interfaceName } from '../endpoint/numeric-address.js'
import { ErrnoError } from '../libc/errno-error.js'
import { raise } from '../loop/reactor.js'
import { bufferOver } from '../memory/buffer-over.js'
import type { BatchConn } from '../socket/batch-conn.js'
import { raiseAtOnce, runDueTicks } from './due-ticks.js'
import { turn } from './flush.js'
import { Slabs } from './slab.js'

/** Properties of a datagram. The first four are node:dgram's; the others are present if an option asks for them. */
export interface RemoteInfo {
  address: string
  family: 'IPv4' | 'IPv6'
  port: number
  size: number
  /** TOS or traffic class byte (`recvTos`). */
  tos?: number
  /** The two ECN bits of `tos`. */
  ecn?: number
  /** Hops left on arrival (`recvTtl`). */
  ttl?: number
  /** Local address it was sent to (`recvDestination`). */
  destination?: string
  /** Interface by which it arrived (`recvDestination`). */
  interfaceIndex?: number
  /** Name of that interface; its index as text if it has gone. */
  interfaceName?: string
  /** Time at which the kernel received it, in nanoseconds since 1970 (`recvTimestamps`). */
  timestampNs?: bigint
}

/** Receives datagrams. */
export interface Recipient {
  /** False once nothing more may be delivered. */
  readonly isReceiving: boolean
  /**
   * True if another process may receive from the same descriptor: then each datagram is received by itself and delivered
   * before the next, so that closing loses none.
   */
  readonly isShared: boolean
  /** True if whole batches are listened for. */
  readonly wantsBatches: boolean
  /** Number of listeners for single datagrams. */
  readonly messageListeners: number
  /** True if `rinfo` has more than node:dgram's properties. */
  readonly wantsDetails: boolean
  /** Runs work in the async context of the socket. */
  readonly inContext: (work: () => void) => void
  /** Datagrams that are received and not delivered yet: they come first. */
  rest: Collected
  onBatch(batch: RecvBatch): void
  onMessage(bytes: Buffer, info: RemoteInfo): void
  /** @param status - a negative errno */
  onError(status: number): void
}

/**
 * Receives what has arrived at a socket and delivers it, for a bounded time.
 *
 * @param purpose - `collect` receives everything, and delivers it in a later loop iteration
 */
export function receiveTurn(conn: BatchConn, recipient: Recipient, purpose: 'deliver' | 'collect' = 'deliver'): void {
  if (purpose === 'collect') collectAll(conn, recipient)
  else turn(() => receiveBatches(conn, recipient))
}

function receiveBatches(conn: BatchConn, recipient: Recipient): void {
  let delivered = deliverRest(recipient, true)
  // Listeners can change all of this: they close the socket, remove each other, or send it to another process.
  while (recipient.isReceiving && recipient.rest.length === 0) {
    const inbox = inboxFor(recipient)
    if (delivered >= (inbox.capacity === 1 ? MAX_SINGLE_MESSAGES : MAX_MESSAGES_PER_TURN)) return
    const count = receive(conn, inbox, recipient)
    if (count === 0) return
    if (recipient.wantsBatches) protect(() => recipient.onBatch(inbox))
    // Without any listener each `message` is emitted all the same, as by Node: an overridden `emit` may want it.
    const isWanted = recipient.messageListeners > 0 || !recipient.wantsBatches
    delivered += isWanted ? deliver(inbox, recipient) : count
    if (count < inbox.capacity) return
  }
}

/** One datagram at a time for a shared descriptor, and where nothing is listening: a listener may come back. */
function inboxFor({ isShared, wantsBatches, messageListeners }: Recipient): RecvBatch {
  if (isShared || (messageListeners === 0 && !wantsBatches)) {
    single ??= new RecvBatch({ capacity: 1, gro: true })
    return single
  }
  inbox ??= new RecvBatch({ capacity: INBOX_CAPACITY, gro: true })
  return inbox
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

/** Delivers the datagrams of a batch one by one. @returns their number */
function deliver(batch: RecvBatch, recipient: Recipient): number {
  const { memory } = batch.slots
  const { wantsDetails } = recipient
  const { length } = batch
  slabs.begin(batch)
  const isListening = recipient.messageListeners > 0
  // A full batch may be followed by another in this turn.
  const last = length < batch.capacity ? length - 1 : -1
  let delivered = 0
  for (let index = 0; index < length; index += 1) {
    const size = batch.size(index)
    const step = batch.segmentBytes(index)
    const start = batch.slots.payloadOffset(index)
    const source = batch.source(index)
    let offset = 0
    do {
      if (!recipient.isReceiving) return delivered
      const byteLength = Math.min(step, size - offset)
      const bytes = step === size ? batch.bytes(index) : bufferOver(memory, start + offset, byteLength)
      const copy = slabs.copy(bytes, byteLength, source)
      offset += byteLength
      delivered += 1
      const isLast = offset >= size && index === last
      const info = describe(source, byteLength)
      if (wantsDetails) addDetails(info, batch, index)
      const outcome = emit(recipient, copy, info, isLast, isListening)
      if (outcome === 'on') continue
      return defer(outcome, collect(batch, { index, offset, isWhole: false }, wantsDetails), recipient)
    } while (offset < size)
  }
  return delivered
}

function collectAll(conn: BatchConn, recipient: Recipient): void {
  // Memory of its own: a listener that is called for a datagram of the common one may have caused this.
  const batch = new RecvBatch({ capacity: INBOX_CAPACITY, gro: true })
  for (let batches = 0; batches < MAX_COLLECTED_BATCHES; batches += 1) {
    const count = receive(conn, batch, recipient)
    const details = recipient.wantsDetails
    if (count > 0)
      recipient.rest = recipient.rest.concat(collect(batch, { index: 0, offset: 0, isWhole: true }, details))
    if (count < batch.capacity) break
  }
  if (recipient.rest.length > 0) setImmediate(() => recipient.inContext(() => turn(() => deliverRest(recipient))))
}

/** Datagrams in memory of their own. */
export type Collected = [Buffer, RemoteInfo][]

/** Where the rest of a batch begins. */
interface Position {
  readonly index: number
  /** In the slot's payload. */
  readonly offset: number
  /** True if nothing of the slot was delivered: a datagram of length 0 is one as well. */
  readonly isWhole: boolean
}

/** The rest of a batch, in memory of its own. */
function collect(batch: RecvBatch, from: Position, details: boolean): Collected {
  const copies = new Slabs()
  copies.begin(batch)
  const rest: Collected = []
  let { offset, isWhole } = from
  for (let { index } = from; index < batch.length; index += 1) {
    const size = batch.size(index)
    const step = batch.segmentBytes(index)
    const start = batch.slots.payloadOffset(index)
    while (isWhole || offset < size) {
      const length = Math.min(step, size - offset)
      const source = batch.source(index)
      const info = describe(source, length)
      if (details) addDetails(info, batch, index)
      rest.push([copies.copy(bufferOver(batch.slots.memory, start + offset, length), length, source), info])
      offset += length
      isWhole = false
    }
    offset = 0
    isWhole = true
  }
  return rest
}

/** Whether to go on after a message, or what to wait for first. */
type Outcome = 'on' | 'listener' | 'uncaught'

/**
 * @param isLast - nothing follows in this turn, and its end runs the ticks that are due
 * @param isListening - there were listeners when the turn began
 */
function emit(recipient: Recipient, bytes: Buffer, info: RemoteInfo, isLast: boolean, isListening: boolean): Outcome {
  const listeners = runDueTicks === undefined ? recipient.messageListeners : 1
  try {
    recipient.onMessage(bytes, info)
  } catch (error) {
    raiseAtOnce(error)
    return 'uncaught'
  }
  if (isLast) return 'on'
  // Code that awaits the next message, or stops listening, may do so in a promise or a tick.
  if (runDueTicks?.() === false) return 'uncaught'
  return isListening && recipient.messageListeners < listeners ? 'listener' : 'on'
}

/**
 * Delivers the rest later: when the exception is handled, or a listener that was removed has had the chance to come back.
 * Nothing of it is lost, and nothing overtakes it.
 *
 * @returns a number that ends the turn
 */
function defer(outcome: Outcome, rest: Collected, recipient: Recipient): number {
  if (rest.length === 0) return MAX_MESSAGES_PER_TURN
  recipient.rest = rest.concat(recipient.rest)
  const goOn = () => recipient.inContext(() => turn(() => deliverRest(recipient)))
  // Behind the tick that throws, which on Node 26 comes with the next immediate only; behind the immediates of listeners.
  if (outcome === 'uncaught' || runDueTicks !== undefined) nextTick(() => setImmediate(goOn))
  // From a microtask to the next tick: all other microtasks come before that.
  else queueMicrotask(() => nextTick(goOn))
  return MAX_MESSAGES_PER_TURN
}

/**
 * @param isFollowed - more may be received in this turn
 * @returns how many messages of the turn are used up
 */
function deliverRest(recipient: Recipient, isFollowed = false): number {
  const { rest } = recipient
  if (rest.length === 0) return 0
  recipient.rest = []
  // Node reads so many in one turn, also while nothing listens.
  const isListening = recipient.messageListeners > 0
  const end = isListening ? rest.length : Math.min(rest.length, MAX_SINGLE_MESSAGES)
  for (const [index, [bytes, info]] of rest.entries()) {
    if (!recipient.isReceiving) return MAX_MESSAGES_PER_TURN
    if (index === end) return defer('listener', rest.slice(index), recipient)
    const isLast = !isFollowed && index + 1 === rest.length
    const outcome = emit(recipient, bytes, info, isLast, isListening)
    if (outcome !== 'on') return defer(outcome, rest.slice(index + 1), recipient)
  }
  return rest.length
}

function describe(source: Endpoint | undefined, size: number): RemoteInfo {
  return {
    address: source?.address ?? '',
    family: source?.family === 'ipv6' ? 'IPv6' : 'IPv4',
    port: source?.port ?? 0,
    size,
  }
}

function addDetails(info: RemoteInfo, batch: RecvBatch, index: number): void {
  const interfaceIndex = batch.interfaceIndex(index)
  const details = {
    tos: batch.tos(index),
    ecn: batch.ecn(index),
    ttl: batch.ttl(index),
    destination: batch.destination(index),
    interfaceIndex,
    interfaceName: interfaceIndex === undefined ? undefined : interfaceName(interfaceIndex),
    timestampNs: batch.timestampNs(index),
  }
  Object.assign(info, Object.fromEntries(Object.entries(details).filter(([, value]) => value !== undefined)))
}

function protect(callback: () => void): void {
  try {
    callback()
  } catch (error) {
    raise(error)
  }
}

// For all sockets of a thread: each turn copies everything out before it ends. Slots have 64 KiB, for GRO buffers; memory
// that no datagram ever reached is never touched.
let inbox: RecvBatch | undefined
let single: RecvBatch | undefined
const slabs = new Slabs()
const INBOX_CAPACITY = 64

/** A batch is the unit here; libuv reads fewer, then lets timers and other sockets go on. */
const MAX_MESSAGES_PER_TURN = 256

/** As libuv's loop over recvmsg (`uv__udp_recvmsg` in src/unix/udp.c). */
const MAX_SINGLE_MESSAGES = 32

/** More than a receive buffer holds, unless datagrams come in as fast as they are read. */
const MAX_COLLECTED_BATCHES = 64

// Captured at load: fake timers installed later would hold datagrams back.
const { nextTick } = process
const { setImmediate } = timers
