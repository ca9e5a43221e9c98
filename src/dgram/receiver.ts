import * as timers from 'node:timers'
import { RecvBatch } from '../batch/recv-batch.js'
import { ErrnoError } from '../libc/errno-error.js'
import { raise } from '../loop/reactor.js'
import { bufferOver } from '../memory/buffer-over.js'
import type { BatchConn } from '../socket/batch-conn.js'
import { raiseAtOnce, runDueTicks } from './due-ticks.js'
import { runIteration } from './flush.js'
import { addDetails, describe, type RemoteInfo } from './remote-info.js'
import { Slabs } from './slab.js'

/** Receives datagrams. */
export interface Recipient {
  /** False if nothing more may be delivered. */
  readonly isReceiving: boolean
  /**
   * True if another process may receive from the same descriptor. Each system call then receives one datagram, delivered
   * before the next call, so that closing loses none.
   */
  readonly isShared: boolean
  /** True if the event `batch` has listeners. */
  readonly hasBatchListeners: boolean
  /** Number of listeners of the event `message`. */
  readonly messageListeners: number
  /** True if `rinfo` has more than node:dgram's properties. */
  readonly needsDetails: boolean
  /** Runs work in the async context of the socket. */
  readonly inContext: (work: () => void) => void
  /** Datagrams that are received but not yet delivered; they come before new ones. */
  rest: Collected
  onBatch(batch: RecvBatch): void
  onMessage(bytes: Buffer, info: RemoteInfo): void
  /** @param status - a negative errno */
  onError(status: number): void
}

/**
 * Receives and delivers the datagrams available at a socket, up to a limit per loop iteration.
 *
 * @param purpose - `collect` receives everything and delivers it in a later loop iteration
 * @returns number of messages: a GRO buffer is one, however many datagrams it holds
 */
export function receiveAvailable(
  conn: BatchConn,
  recipient: Recipient,
  purpose: 'deliver' | 'collect' = 'deliver',
): number {
  if (purpose === 'deliver') return runIteration(() => receiveBatches(conn, recipient))
  collectAll(conn, recipient)
  return 0
}

function receiveBatches(conn: BatchConn, recipient: Recipient): number {
  let received = 0
  let delivered = 0
  // Listeners can change all of these: they close the socket, remove each other, or send it to another process. The rest has
  // its own immediate, which runs after the listeners' immediates; a check of a paused watch may run before them.
  while (recipient.isReceiving && recipient.rest.length === 0) {
    const inbox = inboxFor(recipient)
    if (delivered >= (inbox.capacity === 1 ? MAX_SINGLE_MESSAGES : MAX_MESSAGES_PER_ITERATION)) break
    const count = receive(conn, inbox, recipient)
    if (count === 0) break
    received += count
    if (recipient.hasBatchListeners) protect(() => recipient.onBatch(inbox))
    // Node emits `message` even without listeners: an overridden `emit` may handle it.
    const emitsMessages = recipient.messageListeners > 0 || !recipient.hasBatchListeners
    delivered += emitsMessages ? deliver(inbox, recipient) : count
    if (count < inbox.capacity) break
  }
  return received
}

/** Returns a batch of one datagram if the descriptor is shared, or without listeners, which may be added again. */
function inboxFor({ isShared, hasBatchListeners, messageListeners }: Recipient): RecvBatch {
  if (isShared || (messageListeners === 0 && !hasBatchListeners)) {
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

/**
 * Delivers the datagrams of a batch one by one.
 *
 * @returns the number of datagrams
 */
function deliver(batch: RecvBatch, recipient: Recipient): number {
  const { memory } = batch.slots
  const { needsDetails } = recipient
  const { length } = batch
  slabs.begin(batch)
  const isListening = recipient.messageListeners > 0
  // Another batch may follow a full one in this loop iteration.
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
      if (needsDetails) addDetails(info, batch, index)
      const outcome = emit(recipient, copy, info, isLast, isListening)
      if (outcome === 'on') continue
      return defer(outcome, collect(batch, { index, offset, isWhole: false }, needsDetails), recipient)
    } while (offset < size)
  }
  return delivered
}

function collectAll(conn: BatchConn, recipient: Recipient): void {
  // A separate batch: a listener may run this while the shared one is being delivered.
  const batch = new RecvBatch({ capacity: INBOX_CAPACITY, gro: true })
  for (let batches = 0; batches < MAX_COLLECTED_BATCHES; batches += 1) {
    const count = receive(conn, batch, recipient)
    const details = recipient.needsDetails
    if (count > 0)
      recipient.rest = recipient.rest.concat(collect(batch, { index: 0, offset: 0, isWhole: true }, details))
    if (count < batch.capacity) break
  }
  if (recipient.rest.length > 0)
    setImmediate(() => recipient.inContext(() => runIteration(() => deliverRest(recipient))))
}

/** Copied datagrams with their properties. */
export type Collected = [Buffer, RemoteInfo][]

/** Start of the undelivered part of a batch. */
interface Position {
  readonly index: number
  /** Byte offset in the slot's payload. */
  readonly offset: number
  /** True if no datagram of the slot was delivered. Distinguishes an undelivered datagram of length 0 from none. */
  readonly isWhole: boolean
}

/** Copies the undelivered part of a batch. */
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

/** Result of one delivery: go on, or wait for a listener or for the handling of an uncaught exception. */
type Outcome = 'on' | 'listener' | 'uncaught'

/**
 * @param isLast - nothing follows in this loop iteration, whose end runs the due ticks
 * @param isListening - there were listeners at the start of the loop iteration
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
  // Code that awaits the next message, or removes its listener, may do so in a promise job or a tick.
  if (runDueTicks?.() === false) return 'uncaught'
  return isListening && recipient.messageListeners < listeners ? 'listener' : 'on'
}

/**
 * Delivers the remaining datagrams later: when the exception has been handled, or when a removed listener could have been
 * added again. No datagram is lost or reordered.
 *
 * @returns the limit per loop iteration, which stops receiving
 */
function defer(outcome: Outcome, rest: Collected, recipient: Recipient): number {
  if (rest.length === 0) return MAX_MESSAGES_PER_ITERATION
  recipient.rest = rest.concat(recipient.rest)
  const goOn = () => recipient.inContext(() => runIteration(() => deliverRest(recipient)))
  // Run after the tick that throws, which on Node 26 comes only with the next immediate, and after the listeners' immediates.
  if (outcome === 'uncaught' || runDueTicks !== undefined) nextTick(() => setImmediate(goOn))
  // A next tick queued by a microtask runs after all other microtasks.
  else queueMicrotask(() => nextTick(goOn))
  return MAX_MESSAGES_PER_ITERATION
}

function deliverRest(recipient: Recipient): void {
  const { rest } = recipient
  if (rest.length === 0) return
  recipient.rest = []
  // Node also reads this many per loop iteration without listeners.
  const isListening = recipient.messageListeners > 0
  const end = isListening ? rest.length : Math.min(rest.length, MAX_SINGLE_MESSAGES)
  for (const [index, [bytes, info]] of rest.entries()) {
    if (!recipient.isReceiving) return
    const outcome = index === end ? 'listener' : emit(recipient, bytes, info, index + 1 === rest.length, isListening)
    if (outcome === 'on') continue
    defer(outcome, rest.slice(index === end ? index : index + 1), recipient)
    return
  }
}

function protect(callback: () => void): void {
  try {
    callback()
  } catch (error) {
    raise(error)
  }
}

// Shared by all sockets of a thread: all datagrams are copied out before the loop iteration ends. Slots have 64 KiB, for GRO
// buffers; pages to which no datagram was written use no physical memory.
let inbox: RecvBatch | undefined
let single: RecvBatch | undefined
const slabs = new Slabs()
const INBOX_CAPACITY = 64

/** One batch. libuv reads fewer per loop iteration before timers and other sockets run. */
const MAX_MESSAGES_PER_ITERATION = 256

/** Limit of libuv's loop over recvmsg (`uv__udp_recvmsg` in src/unix/udp.c). */
const MAX_SINGLE_MESSAGES = 32

/** Limit for a collect. More than a receive buffer holds, unless datagrams arrive as fast as they are read. */
const MAX_COLLECTED_BATCHES = 64

// Captured at load, so that fake timers installed later cannot delay datagrams.
const { nextTick } = process
const { setImmediate } = timers
