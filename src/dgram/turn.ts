/**
 * Runs the ticks and promises that are due, as Node does between two callbacks of its own. Node calls it so itself, and
 * it is on `process` from Node 20 to 26, undocumented; undefined where it is not.
 */
export const runDueTicks: (() => void) | undefined = findTickCallback()

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
    for (const flush of flushes) flush()
  }
}

/** Has `flush` called at the end of the turn. @returns false if there is none under way */
export function afterTurn(flush: () => void): boolean {
  if (atEnd === undefined) return false
  atEnd.push(flush)
  return true
}

function findTickCallback(): (() => void) | undefined {
  const found: unknown = Reflect.get(process, '_tickCallback')
  return typeof found === 'function' ? found.bind(process) : undefined
}

let atEnd: (() => void)[] | undefined
