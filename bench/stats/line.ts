import { linearRegression, linearRegressionLine, rSquared } from 'simple-statistics'

/** T(n) = a + b·n: nanoseconds per call and per message. */
interface Line {
  readonly a: number
  readonly b: number
}

/** The time of `n` messages together. */
export interface Point {
  readonly n: number
  readonly nanoseconds: number
}

/**
 * Fits a line by relative errors: least squares of T(n)/n = b + a/n. With T(n) itself, the largest batches alone would
 * determine the result.
 */
export function fitLine(points: readonly Point[]): Line {
  const { m, b } = linearRegression(transformed(points))
  return { a: m, b }
}

/** Returns the share of the variance of T(n)/n that the line explains, and the relative deviation of the farthest point. */
export function fitQuality(points: readonly Point[], { a, b }: Line) {
  const explained = rSquared(transformed(points), linearRegressionLine({ m: a, b }))
  const deviations = points.map(({ n, nanoseconds }) => ({ n, share: nanoseconds / (a + b * n) - 1 }))
  const worst = deviations.reduce((one, other) => (Math.abs(other.share) > Math.abs(one.share) ? other : one))
  return { rSquared: explained, worstDeviation: worst.share, worstAt: worst.n }
}

function transformed(points: readonly Point[]): [number, number][] {
  return points.map(({ n, nanoseconds }) => [1 / n, nanoseconds / n])
}
