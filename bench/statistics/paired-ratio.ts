import { median, quantile, sampleWithReplacement } from 'simple-statistics'
import type { Random } from '../workload/random.js'
import type { Estimate } from './median.js'

/**
 * How many times as large one series is as the other, round by round: the median of the ratios, with a bootstrap
 * interval (percentiles of the medians of resampled rounds). Pairing takes out what slows a whole round down.
 *
 * @param series - the values a round
 * @param base - the same rounds of what it is compared with, none of them zero
 */
export function pairedRatio(
  series: readonly number[],
  base: readonly number[],
  random: Random,
  confidence = 0.95,
): Estimate {
  if (series.length !== base.length) throw new RangeError('a ratio of pairs needs as many of one as of the other')
  const ratios = series.map((value, round) => value / base[round])
  const medians = Array.from({ length: RESAMPLES }, () => median(sampleWithReplacement(ratios, ratios.length, random)))
  const tail = (1 - confidence) / 2
  return { median: median(ratios), low: quantile(medians, tail), high: quantile(medians, 1 - tail) }
}

const RESAMPLES = 2000
