import { medianSorted, numericSort, quantileSorted } from 'simple-statistics'
import type { Series } from '../../engine/case.js'

/** How disturbed the measurement was. */
export interface Noise {
  readonly samples: number
  readonly interrupted: number
  readonly withCollections: number
  readonly shortSamples: number
  /** Samples outside the fences of a box plot: 1.5 times the width of the middle half. */
  readonly outliers: number
  /** Spread of the rounds' speed: (95th - 5th percentile) / median, each round relative to the median of all. */
  readonly drift: number
}

export function noiseOf(series: readonly Series<unknown>[], rounds: number): Noise {
  const samples = series.flatMap((one) => one.samples)
  return {
    samples: samples.length,
    interrupted: samples.filter(({ interrupted }) => interrupted).length,
    withCollections: samples.filter(({ collections }) => collections > 0).length,
    shortSamples: samples.filter(({ shortMessages }) => shortMessages > 0).length,
    outliers: series.reduce((sum, one) => sum + outlierFlags(one).filter(Boolean).length, 0),
    drift: drift(series, rounds),
  }
}

/** Returns which of a case's samples are outliers. They are marked and not dropped: medians tolerate them. */
export function outlierFlags({ samples }: Series<unknown>): boolean[] {
  if (samples.length < FEWEST_FOR_OUTLIERS) return samples.map(() => false)
  const sorted = numericSort(samples.map(({ nanoseconds }) => nanoseconds))
  const [low, high] = [quantileSorted(sorted, 0.25), quantileSorted(sorted, 0.75)]
  const reach = FENCE * (high - low)
  return samples.map(({ nanoseconds }) => nanoseconds < low - reach || nanoseconds > high + reach)
}

function drift(series: readonly Series<unknown>[], rounds: number): number {
  const ratios = Array.from({ length: rounds }, (): number[] => [])
  for (const { samples } of series) {
    if (samples.length === 0) continue
    const middle = medianSorted(numericSort(samples.map(({ nanoseconds }) => nanoseconds)))
    for (const { round, nanoseconds } of samples) ratios[round]?.push(nanoseconds / middle)
  }
  const levels = numericSort(ratios.filter((some) => some.length > 0).map((some) => medianSorted(numericSort(some))))
  return levels.length < 2 ? 0 : quantileSorted(levels, 0.95) - quantileSorted(levels, 0.05)
}

const FEWEST_FOR_OUTLIERS = 5
const FENCE = 1.5
