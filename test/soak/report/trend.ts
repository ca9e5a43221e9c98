import { linearRegression, mean, probit, sampleCorrelation, sum } from 'simple-statistics'

/** Growth of a series over time, by least squares. */
export interface Trend {
  /** Per second. */
  readonly slope: number
  /** Half width of the 99 % confidence interval of the slope. */
  readonly margin: number
}

/**
 * Fits a line to the points. Consecutive memory samples are correlated, so the interval is that of n (1 - r) / (1 + r)
 * independent samples, where r is the lag-1 autocorrelation of the residuals (Santer et al., J. Geophys. Res. 105,
 * 2000).
 */
export function trendOf(points: readonly (readonly [seconds: number, value: number])[]): Trend {
  const { m: slope, b } = linearRegression(points.map(([x, y]) => [x, y]))
  const residuals = points.map(([x, y]) => y - (b + slope * x))
  const r = Math.max(0, lagCorrelation(residuals))
  const effective = Math.max(3, points.length * ((1 - r) / (1 + r)))
  const middle = mean(points.map(([x]) => x))
  const spread = sum(points.map(([x]) => (x - middle) ** 2))
  const variance = sum(residuals.map((residual) => residual ** 2)) / (effective - 2)
  return { slope, margin: studentQuantile(effective - 2) * Math.sqrt(variance / spread) }
}

function lagCorrelation(values: readonly number[]): number {
  const r = sampleCorrelation(values.slice(1), values.slice(0, -1))
  // Residuals that are all zero have no correlation.
  return Number.isFinite(r) ? r : 0
}

/** 99.5 % quantile of Student's t-distribution (Abramowitz and Stegun, 26.7.5). */
function studentQuantile(freedom: number): number {
  const z = probit(0.995)
  return z + (z ** 3 + z) / (4 * freedom) + (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * freedom ** 2)
}
