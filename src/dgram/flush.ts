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
 * Schedules `flush` for the end of the current tick, or of the current loop iteration; calls it at once while the process
 * exits. Repeated requests before the flush have no effect.
 */
export function flushSoon(outgoing: Outgoing): void {
  if (outgoing.isScheduled) return
  if (isExiting) {
    outgoing.flushScheduled()
    return
  }
  // First, because a stack overflow in it must not leave a queue that counts as scheduled.
  if (first === undefined && !isInIteration) nextTick(flushAll)
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

/** Flushes the queue whose flush was scheduled first. */
export function flushOldest(): void {
  if (first === undefined) return
  const outgoing = first
  first = outgoing.next
  if (first === undefined) last = undefined
  outgoing.next = undefined
  outgoing.isScheduled = false
  scheduled -= 1
  try {
    outgoing.flushScheduled()
  } catch (error) {
    // An exception of one socket must not delay the messages of another.
    raise(error)
  }
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

function flushAll(): void {
  if (isInIteration) return
  while (first !== undefined) flushOldest()
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
    flushAll()
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
let isInIteration = false
let isExiting = false
let hasExitListener = false
