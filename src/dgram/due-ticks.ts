import { writeSync } from 'node:fs'
import { inspect } from 'node:util'

/**
 * Runs the ticks and promises that are due, as Node does between two callbacks of its own; undefined where the runtime does
 * not provide that. Both functions are on `process` from Node 20 to 26, undocumented.
 *
 * @returns false if one threw and the exception was handled
 */
export const runDueTicks: (() => boolean) | undefined = findTickRunner()

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
