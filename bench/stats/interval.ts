import {
  cumulativeStdNormalProbability,
  median,
  numericSort,
  quantileSorted,
  sampleStandardDeviation,
  sampleWithReplacement,
} from 'simple-statistics'
import type { Random } from './random.js'

export interface Interval {
  readonly estimate: number
  readonly low: number
  readonly high: number
  readonly standardError: number
}

/** Returns the interval between percentiles of the replicates, at 95 %. */
export function percentileInterval(estimate: number, replicates: readonly number[]): Interval {
  const values = Array.from(Float64Array.from(replicates).sort())
  const tail = (1 - CONFIDENCE) / 2
  return {
    estimate,
    low: quantileSorted(values, tail),
    high: quantileSorted(values, 1 - tail),
    standardError: values.length < 2 ? Number.NaN : sampleStandardDeviation(values),
  }
}

export function contains({ low, high }: Interval, value: number): boolean {
  return low <= value && value <= high
}

export function relativePrecision({ estimate, low, high }: Interval): number {
  return (high - low) / 2 / Math.abs(estimate)
}

/**
 * Corrects p-values for multiple comparisons (Holm, 1979): of twenty figures, one would differ by chance alone.
 *
 * @returns the corrected p-values: those below 0.05 are significant together
 */
export function holm(pValues: readonly number[]): number[] {
  const order = pValues.map((_, index) => index).sort((one, other) => pValues[one] - pValues[other])
  const adjusted = new Array<number>(pValues.length)
  let largest = 0
  for (const [rank, index] of order.entries()) {
    largest = Math.max(largest, Math.min(1, pValues[index] * (pValues.length - rank)))
    adjusted[index] = largest
  }
  return adjusted
}

/** Returns the two-sided probability of such a difference by chance, if it is normally distributed. */
export function twoSidedP(difference: number, standardError: number): number {
  if (!(standardError > 0)) return difference === 0 ? 1 : 0
  return 2 * cumulativeStdNormalProbability(-Math.abs(difference / standardError))
}

export interface Estimate {
  readonly median: number
  readonly low: number
  readonly high: number
  /** Probability that the interval contains the true median, at least. With fewer than six values it is below 0.95. */
  readonly confidence: number
}

/**
 * Returns the median with its interval from order statistics: the narrowest symmetric pair of sorted values that contains the
 * true median with 95 % confidence. It assumes no distribution. If there are too few values for that, the interval contains
 * all of them, and `confidence` is lower.
 */
export function medianEstimate(values: readonly number[]): Estimate {
  const sorted = numericSort([...values])
  const rank = intervalRank(sorted.length)
  return {
    median: median(sorted),
    low: sorted[rank],
    high: sorted[sorted.length - 1 - rank],
    confidence: Math.min(CONFIDENCE, rangeConfidence(sorted.length)),
  }
}

/**
 * Returns the median of ratios with a bootstrap interval: percentiles of the medians of resampled rounds. Fewer than six ratios
 * give their range.
 *
 * @param ratios - of two values of the same round each, which removes what slows a whole round
 */
export function ratioEstimate(ratios: number[], random: Random): Estimate {
  if (rangeConfidence(ratios.length) < CONFIDENCE) return medianEstimate(ratios)
  const draw = () => median(sampleWithReplacement(ratios, ratios.length, random))
  const { estimate, low, high } = percentileInterval(median(ratios), Array.from({ length: RESAMPLES }, draw))
  return { median: estimate, low, high, confidence: CONFIDENCE }
}

/** The probability that the true median is between the lowest and the highest value. */
function rangeConfidence(count: number): number {
  return 1 - 2 * 0.5 ** count
}

/** Returns how many values to leave out at each end: the tail of a binomial distribution with p = 1/2. */
function intervalRank(count: number): number {
  let tail = 0
  let probability = 0.5 ** count
  for (let rank = 0; rank < count; rank += 1) {
    tail += probability
    if (2 * tail > 1 - CONFIDENCE) return Math.max(0, rank - 1)
    probability *= (count - rank) / (rank + 1)
  }
  return 0
}

const CONFIDENCE = 0.95
const RESAMPLES = 2000
