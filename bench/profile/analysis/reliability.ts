import { medianSorted, numericSort, quantileSorted } from 'simple-statistics'
import type { Series, Unmeasured } from '../../engine/case.js'
import { counted, percent } from '../../report/format.js'
import { relativePrecision } from '../../stats/interval.js'
import { type Breakdown, breakdownName } from './breakdown.js'

/** How disturbed the measurement was; docs/profile-json.md describes each key. */
export type Noise = ReturnType<typeof noiseOf>

export function noiseOf(series: readonly Series<unknown>[], rounds: number) {
  const samples = series.flatMap((one) => one.samples)
  return {
    samples: samples.length,
    interrupted: samples.filter(({ interrupted }) => interrupted).length,
    withCollections: samples.filter(({ collections }) => collections > 0).length,
    shortSamples: samples.filter(({ shortMessages }) => shortMessages > 0).length,
    // Outside the fences of a box plot: 1.5 times the width of the middle half.
    outliers: series.reduce((sum, one) => sum + outlierFlags(one).filter(Boolean).length, 0),
    drift: drift(series, rounds),
  }
}

/** Returns which of a case's samples are outliers. They are marked and not dropped: medians tolerate them. */
export function outlierFlags({ samples }: Series<unknown>): boolean[] {
  if (samples.length < FEWEST_FOR_OUTLIERS) return samples.map(() => false)
  const sorted = numericSort(samples.map(({ nanoseconds }) => nanoseconds))
  const [low, high] = [quantileSorted(sorted, 0.25), quantileSorted(sorted, 0.75)]
  const reach = FENCE * (high - low)
  return samples.map(({ nanoseconds }) => nanoseconds < low - reach || nanoseconds > high + reach)
}

/** The spread of the rounds' speed: (95th - 5th percentile) / median, each round relative to the median of all. */
function drift(series: readonly Series<unknown>[], rounds: number): number {
  const ratios = Array.from({ length: rounds }, (): number[] => [])
  for (const { samples } of series) {
    if (samples.length === 0) continue
    const middle = medianSorted(numericSort(samples.map(({ nanoseconds }) => nanoseconds)))
    for (const { round, nanoseconds } of samples) ratios[round]?.push(nanoseconds / middle)
  }
  const levels = numericSort(ratios.filter((some) => some.length > 0).map((some) => medianSorted(numericSort(some))))
  return levels.length < 2 ? 0 : quantileSorted(levels, 0.95) - quantileSorted(levels, 0.05)
}

interface ReliabilityBasis {
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

/** Whether the result is reliable; each failure makes it unreliable and says what to change. */
export type Reliability = ReturnType<typeof checkReliability>

export function checkReliability(basis: ReliabilityBasis) {
  const { breakdowns, missing, noise, rounds, precision, isRealTime, isPinned } = basis
  const remedy = [
    'stop other programs',
    ...(isRealTime ? [] : ['run as root, so that samples are not interrupted']),
    ...(isPinned ? [] : ['use one processor (--cpu)']),
    'or run longer (--budget)',
  ].join(', ')
  const failures: string[] = [...basis.crossCheckFailures]
  const warnings = missing.map(({ id, reason }) => `without ${id}: ${reason}`)
  if (breakdowns.length === 0) failures.push('no cost breakdown could be measured: see the cases that failed')
  if (rounds < FEWEST_ROUNDS) failures.push(`only ${counted(rounds, 'round')}: run longer (--budget)`)
  const worst = Math.max(0, ...breakdowns.map(({ whole }) => relativePrecision(whole)))
  if (worst > precision) {
    failures.push(`the whole send is known to ±${percent(worst)}, ±${percent(precision)} is required: ${remedy}`)
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
    warnings.push(`${percent(interrupted)} of the samples were interrupted by other programs: ${remedy}`)
  }
  if (noise.drift > TOLERABLE_DRIFT) {
    warnings.push(
      `the machine's speed varied by ${percent(noise.drift)} during the run (rounds are interleaved, so differences are ` +
        'affected less): stop other programs, or fix the clock frequency',
    )
  }
  return { isReliable: failures.length === 0, failures, warnings }
}

const FEWEST_FOR_OUTLIERS = 5
const FENCE = 1.5
const FEWEST_ROUNDS = 5
/** A significant but smaller difference between sum and whole is an effect of caches. */
const TOLERABLE_DIFFERENCE = 0.05
const TOLERABLE_INTERRUPTIONS = 0.2
const TOLERABLE_DRIFT = 0.15
