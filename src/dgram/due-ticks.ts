import { writeSync } from 'node:fs'
import { inspect } from 'node:util'
import { isMainThread } from 'node:worker_threads'
import { raise } from '../loop/reactor.js'

/**
 * Runs the ticks and promises that are due, as Node does between two callbacks of its own; undefined where the runtime does
 * not provide that. Both functions are on `process` from Node 20 to 26, undocumented.
 *
 * @returns false if one threw and the exception was handled
 */
export const runDueTicks: (() => boolean) | undefined = findTickRunner()

/**
 * Makes an exception of a listener an uncaught one. Node emits `uncaughtException` before the ticks that the listener has
 * queued, so where there is a handler it is called at once, as in a worker, whose parent is the handler. Without a handler
 * Node's own report ends the process.
 */
export function raiseAtOnce(error: unknown): void {
  const isHandled =
    !isMainThread || process.listenerCount('uncaughtException') > 0 || process.hasUncaughtExceptionCaptureCallback()
  const fatalException: unknown = Reflect.get(process, '_fatalException')
  if (runDueTicks === undefined || !isHandled || typeof fatalException !== 'function') raise(error)
  else Reflect.apply(fatalException, process, [error, false])
}

function findTickRunner(): (() => boolean) | undefined {
  const tickCallback: unknown = Reflect.get(process, '_tickCallback')
  const fatalException: unknown = Reflect.get(process, '_fatalException')
  if (typeof tickCallback !== 'function' || typeof fatalException !== 'function') return undefined
  const run: () => void = tickCallback.bind(process)
  return () => {
    try {
      run()
      return true
    } catch (error) {
      // A tick that throws leaves its async context behind, and Node aborts when the next one is left. This is how Node
      // itself handles it: `uncaughtException` is emitted, and all contexts are cleared.
      if (Reflect.apply(fatalException, process, [error, false]) === true) return false
      // No listener handled it, and `exit` has been emitted.
      writeSync(2, `${inspect(error)}\n\nNode.js ${process.version}\n`)
      return process.exit(process.exitCode ?? 1)
    }
  }
}
