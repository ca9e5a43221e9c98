import { median, numericSort, quantile, sampleWithReplacement } from 'simple-statistics'
import type { Random } from './random.js'

/** A median with an interval. */
export interface Estimate {
  readonly median: number
  readonly low: number
  readonly high: number
  /** Probability that the interval contains the true median, at least. With fewer than six values it is below 0.95. */
  readonly confidence: number
}

/**
 * Returns the median with its interval from order statistics: the narrowest symmetric pair of sorted values that contains the
 * true median with `confidence`. It assumes no distribution. If there are too few values for that, the interval contains all
 * of them, and `confidence` is lower.
 */
export function medianEstimate(values: readonly number[], confidence = 0.95): Estimate {
  const sorted = numericSort([...values])
  const rank = intervalRank(sorted.length, confidence)
  return {
    median: median(sorted),
    low: sorted[rank],
    high: sorted[sorted.length - 1 - rank],
    confidence: Math.min(confidence, rangeConfidence(sorted.length)),
  }
}

/**
 * Returns the ratio of two series, round by round: the median of the ratios with a bootstrap interval (percentiles of the
 * medians of resampled rounds). Pairs remove what slows a whole round. Fewer than six rounds give the range of the ratios.
 *
 * @param series - one value per round
 * @param base - the same rounds of what it is compared with, none of them zero
 */
export function pairedRatio(
  series: readonly number[],
  base: readonly number[],
  random: Random,
  confidence = 0.95,
): Estimate {
  if (series.length !== base.length) throw new RangeError('a paired ratio requires two series of the same length')
  const ratios = series.map((value, round) => value / base[round])
  if (rangeConfidence(ratios.length) < confidence) return medianEstimate(ratios, confidence)
  const medians = Array.from({ length: RESAMPLES }, () => median(sampleWithReplacement(ratios, ratios.length, random)))
  const tail = (1 - confidence) / 2
  return { median: median(ratios), low: quantile(medians, tail), high: quantile(medians, 1 - tail), confidence }
}

/** The probability that the true median is between the lowest and the highest value. */
function rangeConfidence(count: number): number {
  return 1 - 2 * 0.5 ** count
}

/** Returns how many values to leave out at each end: the tail of a binomial distribution with p = 1/2. */
function intervalRank(count: number, confidence: number): number {
  let tail = 0
  let probability = 0.5 ** count
  for (let rank = 0; rank < count; rank += 1) {
    tail += probability
    if (2 * tail > 1 - confidence) return Math.max(0, rank - 1)
    probability *= (count - rank) / (rank + 1)
  }
  return 0
}

const RESAMPLES = 2000
