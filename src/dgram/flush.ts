import * as timers from 'node:timers'
import { raise } from '../loop/reactor.js'

// V8 stores `process` as a hash table: reading it per call takes a third as long as the tick itself. Captured at load also
// so that fake timers installed later cannot stop messages from being sent.
const { nextTick } = process
const { setImmediate } = timers

/** Queue of messages to send, and its place in the list of queues with a scheduled flush. */
export interface Outgoing {
  isScheduled: boolean
  /** Queue whose flush was scheduled next. */
  next: Outgoing | undefined
  /** Called once per scheduled flush, also if the messages were sent or canceled meanwhile. */
  flushScheduled(): void
}

/**
 * Schedules a flush for the end of the current tick, or of the current loop iteration; flushes at once while the process exits.
 * Repeated requests before the flush have no effect.
 */
export function flushSoon(outgoing: Outgoing): void {
  if (outgoing.isScheduled) return
  if (isExiting) {
    // The flush that was in progress when the process exited does not continue.
    startTurn()
    outgoing.flushScheduled()
    return
  }
  // First, because a stack overflow in it must not leave a queue that counts as scheduled.
  if (first === undefined && !isInIteration) nextTick(flushTick)
  // An async hook ran in `nextTick`, and sent from the same socket.
  if (outgoing.isScheduled) return
  outgoing.isScheduled = true
  scheduled += 1
  if (last === undefined) first = outgoing
  else last.next = outgoing
  last = outgoing
}

/** Number of queues with a scheduled flush. */
export function countScheduled(): number {
  return scheduled
}

/**
 * Flushes the queue whose flush was scheduled first, in the middle of a tick.
 *
 * @throws what the flush throws, such as a stack overflow; the queue is then flushed at the end of the tick
 */
export function flushOldest(): void {
  const outgoing = takeFirst()
  if (outgoing === undefined) return
  try {
    outgoing.flushScheduled()
  } catch (error) {
    // Without a call, because the stack may have no room for one.
    if (!outgoing.isScheduled) {
      outgoing.isScheduled = true
      outgoing.next = first
      first = outgoing
      last ??= outgoing
      scheduled += 1
    }
    throw error
  }
}

function takeFirst(): Outgoing | undefined {
  const outgoing = first
  if (outgoing === undefined) return undefined
  first = outgoing.next
  if (first === undefined) last = undefined
  outgoing.next = undefined
  outgoing.isScheduled = false
  scheduled -= 1
  return outgoing
}

/**
 * Number of the current turn: what the event loop calls, or a tick. Within a turn, a flush in progress is on the stack; one that
 * began in an earlier turn was left by a script that was terminated (a timeout of `node:vm`, Ctrl-C in the REPL).
 */
export function currentTurn(): number {
  return turn
}

/** Begins a turn. To be called where the event loop calls this module or its users. */
export function startTurn(): void {
  turn += 1
}

/**
 * Runs the receives of one loop iteration. Messages that its listeners send are flushed together at the end, although ticks
 * run in between.
 */
export function runIteration<Result>(work: () => Result): Result {
  const wasInIteration = isInIteration
  isInIteration = true
  try {
    return work()
  } finally {
    isInIteration = wasInIteration
    flushAll()
  }
}

function flushTick(): void {
  startTurn()
  flushAll()
}

function flushAll(): void {
  if (isInIteration) return
  for (let outgoing = takeFirst(); outgoing !== undefined; outgoing = takeFirst()) {
    try {
      outgoing.flushScheduled()
    } catch (error) {
      // An exception of one socket must not delay the messages of another.
      raise(error)
    }
  }
}

/**
 * Sends queued messages when the process exits. No tick runs after `exit`, so scheduled flushes run in its listener, and
 * messages that later `exit` listeners send are flushed within the call.
 */
export function flushAtExit(): void {
  if (hasExitListener) return
  hasExitListener = true
  process.on('exit', () => {
    isExiting = true
    isInIteration = false
    flushTick()
    // Reached only if `exit` was emitted without an exit.
    setImmediate(() => {
      isExiting = false
    }).unref()
  })
}

// A linked list through the queues themselves: the entries of a Set or an array are memory that each send would touch as well.
let first: Outgoing | undefined
let last: Outgoing | undefined
let scheduled = 0
let turn = 0
let isInIteration = false
let isExiting = false
let hasExitListener = false
