/**
 * Counts of values in buckets of a 1024th of a power of two: each value is known to 0.1 %, whatever its size. Buckets of several
 * machines can be added, unlike percentiles, and unlike those of `perf_hooks`, which cannot be exported.
 */
export class Histogram {
  readonly #counts = new Map<number, number>()
  #total = 0

  /** @param buckets - of other histograms, to add */
  constructor(buckets: readonly (readonly [limit: number, count: number])[] = []) {
    for (const [limit, count] of buckets) this.record(limit, count)
  }

  get total(): number {
    return this.#total
  }

  /** @param value - values below 1 count as 1 */
  record(value: number, count = 1): void {
    double[0] = Math.max(1, value)
    words[0] = 0
    words[1] &= ~BELOW_BUCKET
    const [bucket] = double
    this.#counts.set(bucket, (this.#counts.get(bucket) ?? 0) + count)
    this.#total += count
  }

  /** Returns the lower limit and the count of each bucket that is not empty, in ascending order. */
  buckets(): [limit: number, count: number][] {
    return [...this.#counts].sort(([one], [other]) => one - other)
  }

  /**
   * Returns the value that this share of all values does not exceed, the largest value for 1. Null if there are too few values:
   * at least one must be above it.
   */
  quantile(share: number): number | null {
    const rank = Math.ceil(this.#total * share - ROUNDING)
    if (rank >= this.#total && share < 1) return null
    let below = 0
    for (const [limit, count] of this.buckets()) {
      below += count
      if (below >= rank) return limit
    }
    return null
  }
}

const double = new Float64Array(1)
/** The same number: its sign, exponent and the 20 highest bits of its fraction are the second word. */
const words = new Uint32Array(double.buffer)
/** The bits of that word that do not distinguish buckets. */
const BELOW_BUCKET = 2 ** 10 - 1
/** `1000 * 0.999` must not be above 999. */
const ROUNDING = 1e-6
