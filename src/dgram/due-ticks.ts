import { writeSync } from 'node:fs'
import { inspect } from 'node:util'
import { isMainThread } from 'node:worker_threads'
import { raise } from '../loop/reactor.js'

/**
 * Runs the ticks and promise jobs that are due, as Node does between two of its own callbacks. Undefined if the runtime does
 * not provide the two undocumented functions, which `process` has from Node 20 to 26.
 *
 * @returns false if a tick threw and the exception was handled
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
  const run: () => void = tickCallback.bind(process)
  return () => {
    try {
      run()
      return true
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
