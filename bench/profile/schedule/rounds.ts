import { type Random, shuffled } from '../../workload/random.js'
import type { Case } from '../plan/case.js'
import { operationsPerBlock } from './calibrate.js'
import type { Clock, Executor } from './executor.js'
import { isClean, type Series, toSample } from './sample.js'

/** How long and how finely to measure. */
export interface Effort {
  readonly blockNanoseconds: number
  /** No round is begun after this time on the clock, unless there were too few. */
  readonly deadlineMs: number
  readonly fewestRounds: number
  readonly mostRounds: number
}

/** What happens meanwhile. */
export interface Watcher {
  /** Asked after each round: is it precise enough? */
  isEnough(series: readonly Series[], rounds: number): boolean
  say(line: string): void
}

/** What came of it. */
export interface Measured {
  readonly series: readonly Series[]
  readonly rounds: number
  /** Cases that could not be done here, and why. */
  readonly unable: readonly { readonly id: string; readonly reason: string }[]
  readonly endedBy: 'precision' | 'budget' | 'rounds'
}

/**
 * Measures all cases in rounds: in each every case once, in random order, so that what drifts meets all alike.
 * A block that was interrupted is kept, and done again.
 */
export async function measureRounds(
  cases: readonly Case[],
  executor: Executor,
  effort: Effort,
  tools: { random: Random; clock: Clock; watcher: Watcher; signal: AbortSignal },
): Promise<Measured> {
  const { random, clock, watcher, signal } = tools
  const unable: { id: string; reason: string }[] = []
  const planned: Planned[] = []
  watcher.say(`${cases.length} cases: starting and warming up`)
  for (const one of cases) {
    signal.throwIfAborted()
    const reason = await executor.prepare(one)
    if (reason !== undefined) unable.push({ id: one.id, reason })
    else planned.push({ series: { case: one, samples: [] }, operations: 0 })
  }
  for (const plan of planned) {
    signal.throwIfAborted()
    plan.operations = await operationsPerBlock(executor, plan.series.case, effort.blockNanoseconds)
  }
  const series = planned.map((plan) => plan.series)
  let endedBy: Measured['endedBy'] = 'rounds'
  let round = 0
  while (round < effort.mostRounds) {
    const due = planned.filter(({ series: { case: one } }) => round % one.every === 0)
    for (const { series: one, operations } of shuffled(due, random)) {
      signal.throwIfAborted()
      await measureOnce(executor, one, operations, round)
    }
    if (round < RECALIBRATED_ROUNDS) for (const plan of due) recalibrate(plan, effort.blockNanoseconds)
    round += 1
    watcher.say(`round ${round}`)
    if (round < effort.fewestRounds) continue
    if (watcher.isEnough(series, round)) {
      endedBy = 'precision'
      break
    }
    if (clock() >= effort.deadlineMs) {
      endedBy = 'budget'
      break
    }
  }
  return { series, rounds: round, unable, endedBy }
}

/** The first blocks were sized by code that was not compiled yet. */
function recalibrate(plan: Planned, blockNanoseconds: number): void {
  const last = plan.series.samples.at(-1)
  // A receive cannot take more at once than its buffer holds: there the count says what was possible.
  if (last === undefined || last.operations < plan.operations) return
  plan.operations = Math.max(1, Math.round(blockNanoseconds / Math.max(1, last.nanoseconds)))
}

interface Planned {
  readonly series: Series
  operations: number
}

async function measureOnce(executor: Executor, series: Series, operations: number, round: number): Promise<void> {
  const warmOperations = Math.ceil(operations * WARM_SHARE)
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const sample = toSample(round, await executor.block(series.case, operations, warmOperations))
    series.samples.push(sample)
    if (isClean(sample)) return
  }
}

/**
 * As long again as the block itself: after a fifth of it, what the process left in the caches is still coming back, and a
 * send shows 3 % dearer than it is (measured).
 */
const WARM_SHARE = 1
const ATTEMPTS = 3
const RECALIBRATED_ROUNDS = 3
