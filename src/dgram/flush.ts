import * as timers from 'node:timers'
import { raise } from '../loop/reactor.js'

// `process` is a hash table to V8: reading it per call takes a third as long as the tick. Captured at load also because
// fake timers installed later would keep messages from ever leaving.
const { nextTick } = process
const { setImmediate } = timers

/** Something with messages that leave soon. */
export interface Outgoing {
  flush(): void
}

/**
 * Has `flush` called at the end of this tick, or of the receive turn under way; at once while the process exits. Once per
 * call of `flush`, however often it is requested meanwhile.
 */
export function flushSoon(outgoing: Outgoing): void {
  if (isExiting) {
    outgoing.flush()
    return
  }
  if (waiting.size === 0 && !isInTurn) nextTick(flushAll)
  waiting.add(outgoing)
}

/** Takes back a request, because the messages have left or cannot leave now. */
export function cancelFlush(outgoing: Outgoing): void {
  waiting.delete(outgoing)
}

/** Number of those that wait for their flush. */
export function countWaiting(): number {
  return waiting.size
}

/** Flushes the one that has waited longest. */
export function flushOldest(): void {
  for (const outgoing of waiting) {
    flushSafely(outgoing)
    return
  }
}

/**
 * Runs one receive turn. What its listeners send leaves at its end, all together, although their ticks run in between.
 */
export function turn(work: () => void): void {
  const wasInTurn = isInTurn
  isInTurn = true
  try {
    work()
  } finally {
    isInTurn = wasInTurn
    flushAll()
  }
}

function flushAll(): void {
  if (isInTurn) return
  for (const outgoing of waiting) flushSafely(outgoing)
}

// An exception of one socket must not hold back another's messages.
function flushSafely(outgoing: Outgoing): void {
  waiting.delete(outgoing)
  try {
    outgoing.flush()
  } catch (error) {
    raise(error)
  }
}

/**
 * Has messages leave also while the process exits: no tick comes after `exit`, so those that wait leave in it, and those that
 * later handlers send leave within the call.
 */
export function flushAtExit(): void {
  if (hasExitListener) return
  hasExitListener = true
  process.on('exit', () => {
    isExiting = true
    isInTurn = false
    flushAll()
    // Reached only if the event was emitted without an exit.
    setImmediate(() => {
      isExiting = false
    }).unref()
  })
}

const waiting = new Set<Outgoing>()
let isInTurn = false
let isExiting = false
let hasExitListener = false
