import fc from 'fast-check'
import type { Test } from 'tap'

/** Asserts that a property holds for arbitrary values from fast-check. A failure shows the smallest counterexample. */
export function holds<T>(t: Test, property: fc.IProperty<T>, numRuns = 300): void {
  const { failed, counterexample, errorInstance, seed } = fc.check(property, { numRuns })
  const shown = fc.stringify(counterexample)
  t.notOk(failed, failed ? `counterexample (seed ${seed}): ${shown} ${errorInstance ?? ''}` : `holds ${numRuns} times`)
}
