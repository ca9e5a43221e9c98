import type { Test } from 'tap'
import { runSuite, SUITES, type Suite, type SuiteOptions } from './suites.js'

// Most calls in the cases fail. A violation is found by its seed and path, with `run.ts`, which keeps the stacks.
Error.stackTraceLimit = 0

/** Runs a suite, and asserts that it found no violation and that every counted event occurred. */
export async function checkSuite(t: Test, name: Suite['name'], options: SuiteOptions): Promise<void> {
  const suite = SUITES.find((one) => one.name === name)
  if (suite === undefined) throw new Error(`no suite ${name}`)
  const { violation, cases, seconds, tally } = await runSuite(suite, options)
  t.equal(violation, undefined, violation ?? 'no violation')
  t.comment(`${cases} cases in ${seconds.toFixed(1)} s: ${JSON.stringify(tally)}`)
  // On a very busy machine the time limit can leave too few cases for this assertion.
  if (cases < options.cases / 10) return
  // Without errors and short counts in the cases, the property would be trivial.
  for (const [event, count] of Object.entries(tally)) t.ok(count > 0, `it met ${event} (${count} times)`)
}
