import type { Unmeasured } from '../../engine/case.js'
import { counted, percent } from '../../report/format.js'
import { relativePrecision } from '../../stats/interval.js'
import { type Breakdown, breakdownName } from './breakdown.js'
import type { Noise } from './noise.js'

/** Whether the result is reliable, and what to do if it is not. */
export interface Reliability {
  readonly isReliable: boolean
  /** Each makes the result unreliable; with what to change. */
  readonly failures: readonly string[]
  readonly warnings: readonly string[]
}

/** What the reliability check is based on. */
export interface ReliabilityBasis {
  readonly breakdowns: readonly Breakdown[]
  readonly missing: readonly Unmeasured[]
  readonly noise: Noise
  readonly rounds: number
  /** Required half-width of intervals, as a share. */
  readonly precision: number
  readonly isRealTime: boolean
  readonly isPinned: boolean
  readonly crossCheckFailures: readonly string[]
}

export function checkReliability(basis: ReliabilityBasis): Reliability {
  const { breakdowns, missing, noise, rounds, precision } = basis
  const failures: string[] = [...basis.crossCheckFailures]
  const warnings = missing.map(({ id, reason }) => `without ${id}: ${reason}`)
  if (breakdowns.length === 0) failures.push('no cost breakdown could be measured: see the cases that failed')
  if (rounds < FEWEST_ROUNDS) failures.push(`only ${counted(rounds, 'round')}: run longer (--budget)`)
  const worst = Math.max(0, ...breakdowns.map(({ whole }) => relativePrecision(whole)))
  if (worst > precision) {
    failures.push(`the whole send is known to ±${percent(worst)}, ±${percent(precision)} is required: ${remedy(basis)}`)
  }
  for (const breakdown of breakdowns) {
    const { addsUp, sum, whole } = breakdown
    if (addsUp || Math.abs(sum.estimate / whole.estimate - 1) <= TOLERABLE_DIFFERENCE) continue
    failures.push(
      `the components of ${breakdownName(breakdown)} add up to ${sum.estimate.toFixed(0)} ns, the direct measurement is ` +
        `${whole.estimate.toFixed(0)} ns: run longer (--budget), with fewer other programs`,
    )
  }
  if (noise.shortSamples > 0) {
    warnings.push(`${noise.shortSamples} samples lack messages and do not count: a smaller --batch may help`)
  }
  const interrupted = noise.interrupted / Math.max(1, noise.samples)
  if (interrupted > TOLERABLE_INTERRUPTIONS) {
    warnings.push(`${percent(interrupted)} of the samples were interrupted by other programs: ${remedy(basis)}`)
  }
  if (noise.drift > TOLERABLE_DRIFT) {
    warnings.push(
      `the machine's speed varied by ${percent(noise.drift)} during the run (rounds are interleaved, so differences are ` +
        'affected less): stop other programs, or fix the clock frequency',
    )
  }
  return { isReliable: failures.length === 0, failures, warnings }
}

function remedy({ isRealTime, isPinned }: ReliabilityBasis): string {
  return [
    'stop other programs',
    ...(isRealTime ? [] : ['run as root, so that samples are not interrupted']),
    ...(isPinned ? [] : ['use one processor (--cpu)']),
    'or run longer (--budget)',
  ].join(', ')
}

const FEWEST_ROUNDS = 5
/** A significant but smaller difference between sum and whole is an effect of caches. */
const TOLERABLE_DIFFERENCE = 0.05
const TOLERABLE_INTERRUPTIONS = 0.2
const TOLERABLE_DRIFT = 0.15
