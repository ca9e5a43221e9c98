import fc from 'fast-check'
import { receiveCase } from './receive-case.js'
import { newReceiveTally } from './receive-model.js'
import { runReceiveCase } from './receive-runner.js'
import { sendAllCase } from './send-all-case.js'
import { runSendAllCase } from './send-all-runner.js'
import { sendCase } from './send-case.js'
import { runSendCase } from './send-runner.js'
import { newSendTally } from './send-tally.js'

/** A property over cases of one kind. */
export interface Suite {
  readonly name: 'send' | 'sendAll' | 'receive'
  /** Its share of all cases. */
  readonly share: number
  /** The property, and the counts that it updates while it runs. */
  make(): { property: fc.IRawProperty<unknown>; tally: object }
}

export const SUITES: readonly Suite[] = [
  {
    name: 'send',
    share: 0.55,
    make: () => {
      const tally = newSendTally()
      return { property: fc.property(sendCase, (testCase) => runSendCase(testCase, tally)), tally }
    },
  },
  {
    name: 'receive',
    share: 0.44,
    make: () => {
      const tally = newReceiveTally()
      return { property: fc.property(receiveCase, (testCase) => runReceiveCase(testCase, tally)), tally }
    },
  },
  {
    name: 'sendAll',
    share: 0.01,
    make: () => {
      const tally = newSendTally()
      return { property: fc.asyncProperty(sendAllCase, (testCase) => runSendAllCase(testCase, tally)), tally }
    },
  },
]

/** Size and seed of one run of a suite. */
export interface SuiteOptions {
  readonly cases: number
  readonly seed?: number | undefined
  /** Path to a counterexample, as printed by fast-check, to run that one again. */
  readonly path?: string | undefined
  /** Time limit, after which the run ends with the cases that were run until then. */
  readonly timeLimitMs?: number | undefined
}

export interface SuiteResult {
  readonly seed: number
  readonly cases: number
  readonly seconds: number
  readonly tally: object
  /** The shrunk counterexample and the broken invariant; undefined if there is none. */
  readonly violation: string | undefined
}

/** Runs the cases of one suite until a violation is found, and shrinks that case. */
export async function runSuite(suite: Suite, { cases, seed, path, timeLimitMs }: SuiteOptions): Promise<SuiteResult> {
  const start = performance.now()
  const { property, tally } = suite.make()
  const details = await fc.check(property, {
    numRuns: cases,
    ...(seed === undefined ? {} : { seed }),
    ...(path === undefined ? {} : { path }),
    ...(timeLimitMs === undefined ? {} : { interruptAfterTimeLimit: timeLimitMs }),
  })
  const { failed, counterexample, counterexamplePath, errorInstance, numRuns } = details
  const reason = errorInstance instanceof Error ? errorInstance.stack : String(errorInstance)
  return {
    seed: details.seed,
    cases: numRuns,
    seconds: (performance.now() - start) / 1000,
    tally,
    violation: failed
      ? `${reason}\n${fc.stringify(counterexample)}\nseed ${details.seed}, path ${counterexamplePath}`
      : undefined,
  }
}
