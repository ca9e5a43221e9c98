import { executionAsyncId } from 'node:async_hooks'
import { writeSync } from 'node:fs'
import { inspect } from 'node:util'
import { isMainThread } from 'node:worker_threads'
import { raise } from '../loop/reactor.js'

/**
 * Runs the ticks and promise jobs that are due, as Node does between two of its own callbacks. Undefined if the runtime does
 * not provide the two undocumented functions, which `process` has from Node 20 to 26.
 *
 * @returns false if a tick threw or a promise was rejected, which was handled: the async context is then lost
 */
export const runDueTicks: (() => boolean) | undefined = findTickRunner()

/**
 * Turns an exception of a listener into an uncaught exception. Node emits `uncaughtException` before the ticks that the
 * listener has queued, so a handler is called at once. A worker counts as having a handler, its parent. Without a handler,
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
  // With --pending-deprecation it is a wrapper that warns, whose prototype is the function itself (node:util, deprecate).
  const wrapped: unknown = Reflect.getPrototypeOf(tickCallback)
  const original = typeof wrapped === 'function' && wrapped !== Function.prototype ? wrapped : tickCallback
  const run: () => void = original.bind(process)
  return () => {
    const asyncId = executionAsyncId()
    try {
      run()
      // For a rejection or an exception of queueMicrotask, Node calls the handler itself and clears all contexts.
      return executionAsyncId() === asyncId
    } catch (error) {
      // A tick that throws does not pop its async context, and Node aborts when the next one is popped. Node itself handles
      // it in this way: it emits `uncaughtException` and clears all contexts.
      if (Reflect.apply(fatalException, process, [error, false]) === true) return false
      // No listener handled the exception, and `exit` has been emitted.
      writeSync(2, `${inspect(error)}\n\nNode.js ${process.version}\n`)
      return process.exit(process.exitCode ?? 1)
    }
  }
}
