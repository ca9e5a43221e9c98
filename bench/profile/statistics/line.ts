import { linearRegression, linearRegressionLine, rSquared } from 'simple-statistics'

/** T(n) = a + b·n. */
export interface Line {
  /** For a call. */
  readonly a: number
  /** For a message. */
  readonly b: number
}

/** One measured point: what `n` messages took together. */
export interface Point {
  readonly n: number
  readonly nanoseconds: number
}

/**
 * Fits a line so that each point counts by its relative error, as timings have it: least squares of T(n)/n = b + a/n.
 * Fitted to T(n) itself, the largest batches would decide alone.
 */
export function fitLine(points: readonly Point[]): Line {
  const { m, b } = linearRegression(transformed(points))
  return { a: m, b }
}

/** How well a line fits. */
export interface FitQuality {
  /** Of what makes the cost of a message differ between batch sizes, the share that the line explains. */
  readonly rSquared: number
  /** By how much the farthest point lies off, as a share of it, and which it is. */
  readonly worstDeviation: number
  readonly worstAt: number
}

export function fitQuality(points: readonly Point[], { a, b }: Line): FitQuality {
  const explained = rSquared(transformed(points), linearRegressionLine({ m: a, b }))
  const deviations = points.map(({ n, nanoseconds }) => ({ n, share: nanoseconds / (a + b * n) - 1 }))
  const worst = deviations.reduce((one, other) => (Math.abs(other.share) > Math.abs(one.share) ? other : one))
  return { rSquared: explained, worstDeviation: worst.share, worstAt: worst.n }
}

/** What a payload of some length costs. */
export interface BytePoint {
  readonly bytes: number
  readonly nanoseconds: number
}

/** Cost over payload length, by least squares. */
export function payloadLine(points: readonly BytePoint[]): { atZero: number; perByte: number } {
  const { m, b } = linearRegression(points.map(({ bytes, nanoseconds }) => [bytes, nanoseconds]))
  return { atZero: b, perByte: m }
}

function transformed(points: readonly Point[]): [number, number][] {
  return points.map(({ n, nanoseconds }) => [1 / n, nanoseconds / n])
}
