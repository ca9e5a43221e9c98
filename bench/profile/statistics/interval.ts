import { quantileSorted, sampleStandardDeviation } from 'simple-statistics'

/** A value with the ends of the interval that the true one probably lies in. */
export interface Interval {
  readonly estimate: number
  readonly low: number
  readonly high: number
  readonly standardError: number
}

/** The interval between the percentiles of what resampling gave. */
export function percentileInterval(estimate: number, replicates: readonly number[], confidence: number): Interval {
  const sorted = Float64Array.from(replicates).sort()
  const tail = (1 - confidence) / 2
  const values = Array.from(sorted)
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

/** Half the interval's width, as a share of the value. */
export function relativePrecision({ estimate, low, high }: Interval): number {
  return (high - low) / 2 / Math.abs(estimate)
}
