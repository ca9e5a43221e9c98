import { cumulativeStdNormalProbability, quantileSorted, sampleStandardDeviation } from 'simple-statistics'

/** An estimate with its interval. */
export interface Interval {
  readonly estimate: number
  readonly low: number
  readonly high: number
  readonly standardError: number
}

/** Returns the interval between percentiles of the replicates. */
export function percentileInterval(estimate: number, replicates: readonly number[], confidence: number): Interval {
  const values = Array.from(Float64Array.from(replicates).sort())
  const tail = (1 - confidence) / 2
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

/** Returns half the interval's width, as a share of the estimate. */
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
