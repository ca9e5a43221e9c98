import { writeSync } from 'node:fs'
import { inspect } from 'node:util'
import { raise } from '../loop/reactor.js'

/**
 * Runs the ticks and promises that are due, as Node does between two callbacks of its own; undefined where that is not to
 * be had. Both functions are on `process` from Node 20 to 26, undocumented.
 *
 * @returns false if one threw, and somebody dealt with the exception
 */
export const runDueTicks: (() => boolean) | undefined = findTickRunner()

/**
 * One turn of receiving. What its listeners send leaves at its end, all together, although their ticks run in between.
 */
export function turn(work: () => void): void {
  const flushes: (() => void)[] = []
  const outer = atEnd
  atEnd = flushes
  try {
    work()
  } finally {
    atEnd = outer
    for (const flush of flushes) flushSafely(flush)
  }
}

/** Has `flush` called at the end of the turn. @returns false if there is none under way */
export function afterTurn(flush: () => void): boolean {
  if (atEnd === undefined) return false
  atEnd.push(flush)
  return true
}

// One socket's trouble must not keep another's messages back.
function flushSafely(flush: () => void): void {
  try {
    flush()
  } catch (error) {
    raise(error)
  }
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
      // itself deals with it: the listeners of `uncaughtException` are told, and all contexts are cleared.
      if (Reflect.apply(fatalException, process, [error, false]) === true) return false
      // Nobody did, and `exit` has been emitted.
      writeSync(2, `${inspect(error)}\n\nNode.js ${process.version}\n`)
      return process.exit(process.exitCode ?? 1)
    }
  }
}

let atEnd: (() => void)[] | undefined
