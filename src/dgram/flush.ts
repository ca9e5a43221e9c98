import * as timers from 'node:timers'
import { raise } from '../loop/reactor.js'

// V8 stores `process` as a hash table: reading it per call takes a third as long as the tick itself. Captured at load also
// so that fake timers installed later cannot stop messages from being sent.
const { nextTick } = process
const { setImmediate } = timers

/** Queue of messages to send. */
export interface Outgoing {
  flush(): void
}

/**
 * Schedules `flush` for the end of the current tick, or of the current loop iteration; calls it at once while the process
 * exits. Repeated requests before the flush have no effect.
 */
export function flushSoon(outgoing: Outgoing): void {
  if (isExiting) {
    outgoing.flush()
    return
  }
  if (waiting.size === 0 && !isInIteration) nextTick(flushAll)
  waiting.add(outgoing)
}

/** Cancels a scheduled flush. */
export function cancelFlush(outgoing: Outgoing): void {
  waiting.delete(outgoing)
}

/** Number of queues with a scheduled flush. */
export function countWaiting(): number {
  return waiting.size
}

/** Flushes the queue whose flush was scheduled first. */
export function flushOldest(): void {
  for (const outgoing of waiting) {
    flushSafely(outgoing)
    return
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
  for (const outgoing of waiting) flushSafely(outgoing)
}

// An exception of one socket must not delay the messages of another.
function flushSafely(outgoing: Outgoing): void {
  waiting.delete(outgoing)
  try {
    outgoing.flush()
  } catch (error) {
    raise(error)
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
    flushAll()
    // Reached only if `exit` was emitted without an exit.
    setImmediate(() => {
      isExiting = false
    }).unref()
  })
}

const waiting = new Set<Outgoing>()
let isInIteration = false
let isExiting = false
let hasExitListener = false
