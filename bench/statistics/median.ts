import { median, numericSort } from 'simple-statistics'

/** A middle value with the ends of an interval that the true one probably lies in. */
export interface Estimate {
  readonly median: number
  readonly low: number
  readonly high: number
}

/**
 * The median with its interval from order statistics: the narrowest symmetric pair of sorted values that covers the
 * true median with `confidence`. It assumes nothing about the distribution. With fewer than six values no pair does at
 * 0.95, and it is all of them.
 */
export function medianEstimate(values: readonly number[], confidence = 0.95): Estimate {
  const sorted = numericSort([...values])
  const rank = intervalRank(sorted.length, confidence)
  return { median: median(sorted), low: sorted[rank], high: sorted[sorted.length - 1 - rank] }
}

/** How many values may be left out at each end: the tail of a binomial distribution with p = 1/2. */
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
