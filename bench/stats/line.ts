import { linearRegression, linearRegressionLine, rSquared } from 'simple-statistics'

/** T(n) = a + b·n. */
export interface Line {
  /** Per call. */
  readonly a: number
  /** Per message. */
  readonly b: number
}

/** A measured point: the time of `n` messages together. */
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

/** Quality of a fit. */
export interface FitQuality {
  /** Share of the variance of T(n)/n that the line explains. */
  readonly rSquared: number
  /** Relative deviation of the farthest point, and its batch size. */
  readonly worstDeviation: number
  readonly worstAt: number
}

export function fitQuality(points: readonly Point[], { a, b }: Line): FitQuality {
  const explained = rSquared(transformed(points), linearRegressionLine({ m: a, b }))
  const deviations = points.map(({ n, nanoseconds }) => ({ n, share: nanoseconds / (a + b * n) - 1 }))
  const worst = deviations.reduce((one, other) => (Math.abs(other.share) > Math.abs(one.share) ? other : one))
  return { rSquared: explained, worstDeviation: worst.share, worstAt: worst.n }
}

/** The cost of a payload of some length. */
export interface BytePoint {
  readonly bytes: number
  readonly nanoseconds: number
}

/** Fits the cost over the payload length by least squares. */
export function payloadLine(points: readonly BytePoint[]): { atZero: number; perByte: number } {
  const { m, b } = linearRegression(points.map(({ bytes, nanoseconds }) => [bytes, nanoseconds]))
  return { atZero: b, perByte: m }
}

function transformed(points: readonly Point[]): [number, number][] {
  return points.map(({ n, nanoseconds }) => [1 / n, nanoseconds / n])
}
