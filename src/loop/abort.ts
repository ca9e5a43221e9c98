import { addAbortListener } from 'node:events'
import * as timers from 'node:timers'

/** Begins a wait. @returns a function that ends it, called once, whatever the result */
export type Start = (resolve: () => void, reject: (reason: unknown) => void) => () => void

/**
 * Waits until `start` settles or the signal is aborted.
 *
 * @throws the signal's reason, if it is aborted
 */
export async function abortable(signal: AbortSignal | undefined, start: Start): Promise<void> {
  throwIfAborted(signal)
  let stop: (() => void) | undefined
  let unlisten: (() => void) | undefined
  try {
    await new Promise<void>((resolve, reject) => {
      if (signal !== undefined) unlisten = onAbort(signal, () => reject(reasonOf(signal)))
      stop = start(resolve, reject)
    })
  } finally {
    try {
      stop?.()
    } finally {
      unlisten?.()
    }
  }
}

/** Waits for some milliseconds. @throws the signal's reason, if it is aborted */
export function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return abortable(signal, (resolve) => {
    const timer = setTimeout(resolve, milliseconds)
    return () => clearTimeout(timer)
  })
}

/** Waits for the next loop iteration. @throws the signal's reason, if it is aborted */
export function nextIteration(signal?: AbortSignal): Promise<void> {
  return abortable(signal, (resolve) => {
    // Not cleared: see `PausableWatch`.
    setImmediate(resolve)
    return () => {}
  })
}

/** @throws the signal's reason, if it is aborted */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw reasonOf(signal)
}

// The signal of a polyfill may have no reason.
function reasonOf(signal: AbortSignal): unknown {
  return signal.reason ?? new DOMException('This operation was aborted', 'AbortError')
}

// One listener per signal, however many waits: Node warns from the eleventh listener on.
function onAbort(signal: AbortSignal, callback: () => void): () => void {
  const waits = waitsOf.get(signal) ?? listen(signal)
  waits.callbacks.add(callback)
  return () => {
    waits.callbacks.delete(callback)
    if (waits.callbacks.size > 0 || waitsOf.get(signal) !== waits) return
    waitsOf.delete(signal)
    waits.unlisten()
  }
}

interface Waits {
  readonly callbacks: Set<() => void>
  unlisten(): void
}

function listen(signal: AbortSignal): Waits {
  const callbacks = new Set<() => void>()
  // Also called if another listener stops the event (stopImmediatePropagation).
  const listener = addAbortListener(signal, () => {
    for (const callback of [...callbacks]) callback()
  })
  const waits = { callbacks, unlisten: () => listener[Symbol.dispose]() }
  waitsOf.set(signal, waits)
  return waits
}

const waitsOf = new WeakMap<AbortSignal, Waits>()

// Captured at load, so that fake timers installed later cannot stop a wait.
const { setTimeout, clearTimeout, setImmediate } = timers
