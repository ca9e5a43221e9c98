import { median, quantile } from 'simple-statistics'
import type { Measured, Series } from '../../engine/rounds.js'
import type { ProfilePlan } from '../../options/local-options.js'
import type { Machine } from '../../report/document.js'
import { counted, percent } from '../../report/format.js'
import { relativePrecision } from '../../stats/interval.js'
import type { Subject, Work } from '../cases/cases.js'
import type { CrossCheck } from '../checks/cross-check.js'
import type { Target } from '../targets.js'
import { breakdownName } from './breakdown.js'
import type { Figures } from './figures.js'

/** What a run measured, and under which conditions. */
export interface ProfileRun {
  readonly plan: ProfilePlan
  readonly startedAt: string
  readonly seconds: number
  readonly machine: Machine
  readonly subject: Subject
  readonly target: { readonly name: Target['name']; readonly explanation: string }
  readonly isRealTime: boolean
  readonly clockNanoseconds: number
  readonly measured: Measured<Work>
  readonly figures: Figures
  readonly crossChecks: readonly CrossCheck[]
}

/** Returns how disturbed the measurement was; docs/profile-json.md describes each key. */
export function noiseOf({ series, rounds }: Pick<Measured<unknown>, 'series' | 'rounds'>) {
  const samples = series.flatMap((one) => one.samples)
  return {
    samples: samples.length,
    interrupted: samples.filter(({ interrupted }) => interrupted).length,
    withCollections: samples.filter(({ collections }) => collections > 0).length,
    shortSamples: samples.filter(({ shortMessages }) => shortMessages > 0).length,
    outliers: series.flatMap(outlierFlags).filter(Boolean).length,
    drift: drift(series, rounds),
  }
}

/**
 * Returns which of a case's samples are outliers: outside the fences of a box plot, 1.5 times the width of the middle half. They
 * are marked and not dropped: medians tolerate them.
 */
export function outlierFlags({ samples }: Series<unknown>): boolean[] {
  if (samples.length < FEWEST_FOR_OUTLIERS) return samples.map(() => false)
  const [low, high] = quantile(
    samples.map(({ nanoseconds }) => nanoseconds),
    [0.25, 0.75],
  )
  const reach = 1.5 * (high - low)
  return samples.map(({ nanoseconds }) => nanoseconds < low - reach || nanoseconds > high + reach)
}

/** The spread of the rounds' speed: (95th - 5th percentile) / median, each round relative to the median of all. */
function drift(series: readonly Series<unknown>[], rounds: number): number {
  const ratios = series.flatMap(({ samples }) => {
    const middle = samples.length === 0 ? 1 : median(samples.map(({ nanoseconds }) => nanoseconds))
    return samples.map(({ round, nanoseconds }) => ({ round, ratio: nanoseconds / middle }))
  })
  const levels = Array.from({ length: rounds }, (_, round) => ratios.filter((one) => one.round === round))
    .filter((some) => some.length > 0)
    .map((some) => median(some.map(({ ratio }) => ratio)))
  return levels.length < 2 ? 0 : quantile(levels, 0.95) - quantile(levels, 0.05)
}

type Judged = Pick<ProfileRun, 'figures' | 'plan' | 'isRealTime' | 'crossChecks'> & {
  readonly measured: Pick<Measured<Work>, 'rounds'>
}

/** Whether the result is reliable; each failure makes it unreliable and says what to change. */
export function checkReliability(
  { figures, measured, plan, isRealTime, crossChecks }: Judged,
  noise: ReturnType<typeof noiseOf>,
) {
  const remedy = [
    'stop other programs',
    ...(isRealTime ? [] : ['run as root, so that samples are not interrupted']),
    ...(plan.cpu === undefined ? ['use one processor (--cpu)'] : []),
    'or run longer (--budget)',
  ].join(', ')
  const miscounts = crossChecks.filter(({ by, verdict }) => by === 'strace -c' && verdict === 'disagrees')
  const failures = miscounts.map(({ name, text }) => `${name}: ${text}`)
  const warnings = figures.missing.map(({ id, reason }) => `without ${id}: ${reason}`)
  if (figures.breakdowns.length === 0) failures.push('no cost breakdown could be measured: see the cases that failed')
  if (measured.rounds < FEWEST_ROUNDS) failures.push(`only ${counted(measured.rounds, 'round')}: run longer (--budget)`)
  const worst = Math.max(0, ...figures.breakdowns.map(({ whole }) => relativePrecision(whole)))
  if (worst > plan.precision) {
    failures.push(`the whole send is known to ±${percent(worst)}, ±${percent(plan.precision)} is required: ${remedy}`)
  }
  for (const breakdown of figures.breakdowns) {
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

/** Returns what root would add to a run of an ordinary user. */
export function withRoot({ target, plan, isRealTime, measured, crossChecks }: ProfileRun): string[] {
  if (process.getuid?.() === 0) return []
  const hasNoPerf = crossChecks.some(({ by, verdict }) => by === 'perf record' && verdict === 'unavailable')
  const additions = [
    target.name === 'loopback' && plan.target === 'auto' && 'a sink with a real device path instead of loopback',
    plan.isRealTime && !isRealTime && 'real-time priority, so that other programs interrupt fewer samples',
    measured.unmeasured.some(({ reason }) => reason.includes('rmem_max')) &&
      'receive buffers that hold every batch size',
    hasNoPerf && 'the comparison with kernel functions (perf)',
  ]
  return additions.filter((text) => text !== false)
}

const FEWEST_FOR_OUTLIERS = 5
const FEWEST_ROUNDS = 5
/** A significant but smaller difference between sum and whole is an effect of caches. */
const TOLERABLE_DIFFERENCE = 0.05
const TOLERABLE_INTERRUPTIONS = 0.2
const TOLERABLE_DRIFT = 0.15
