import { setTimeout } from 'node:timers/promises'
import type { Case } from './case.js'
import { Trial } from './trial.js'
import type { Dgram } from './types.js'

/** A module under test. */
export interface Subject {
  readonly path: string
  readonly exports: Dgram
}

/** Results of one case. */
export interface Verdict {
  readonly name: string
  /** Output with node:dgram and with the module under test. They are equal unless there is a difference. */
  readonly expected: readonly string[]
  readonly actual: readonly string[]
  readonly equal: boolean
}

/** Runs a case on both modules, one after the other. */
export async function compare(one: Case, reference: Subject, subject: Subject): Promise<Verdict> {
  const expected = await observe(one, reference)
  const actual = await observe(one, subject)
  return { name: one.name, expected, actual, equal: expected.join('\n') === actual.join('\n') }
}

/** Returns the output of the case on one module. */
export async function observe(one: Case, subject: Subject): Promise<readonly string[]> {
  const trial = new Trial(subject.exports, subject.path)
  const deadline = new AbortController()
  const uncaught = (error: Error) => trial.log('uncaught exception', error)
  process.on('uncaughtException', uncaught)
  try {
    const late = setTimeout(CASE_TIMEOUT_MS, undefined, { signal: deadline.signal }).then(
      () => trial.log(TIMED_OUT),
      () => {},
    )
    await Promise.race([Promise.resolve(one.run(trial)).catch((error) => trial.log('the case threw', error)), late])
  } finally {
    deadline.abort()
    await trial.end()
    process.off('uncaughtException', uncaught)
  }
  return trial.lines
}

/** Last line of a case that did not finish. */
export const TIMED_OUT = '(timed out)'

const CASE_TIMEOUT_MS = 6_000
