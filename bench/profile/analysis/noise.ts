import { medianSorted, numericSort, quantileSorted } from 'simple-statistics'
import type { Series } from '../schedule/sample.js'

/** How undisturbed the measuring was. */
export interface Noise {
  readonly blocks: number
  readonly interrupted: number
  readonly withCollections: number
  readonly shortBlocks: number
  /** Blocks farther from their case's middle than one and a half times the middle half's width, as box plots have it. */
  readonly outliers: number
  /** How far the rounds' level lies apart: (95 % - 5 %) / median of it, each round against the median of all. */
  readonly drift: number
}

export function noiseOf(series: readonly Series[], rounds: number): Noise {
  const samples = series.flatMap((one) => one.samples)
  return {
    blocks: samples.length,
    interrupted: samples.filter(({ interrupted }) => interrupted).length,
    withCollections: samples.filter(({ collections }) => collections > 0).length,
    shortBlocks: samples.filter(({ shortMessages }) => shortMessages > 0).length,
    outliers: series.reduce((sum, one) => sum + outlierFlags(one).filter(Boolean).length, 0),
    drift: drift(series, rounds),
  }
}

/** Which of a case's blocks are outliers. None is dropped for it: medians bear them. */
export function outlierFlags({ samples }: Series): boolean[] {
  if (samples.length < FEWEST_FOR_OUTLIERS) return samples.map(() => false)
  const sorted = numericSort(samples.map(({ nanoseconds }) => nanoseconds))
  const [low, high] = [quantileSorted(sorted, 0.25), quantileSorted(sorted, 0.75)]
  const reach = FENCE * (high - low)
  return samples.map(({ nanoseconds }) => nanoseconds < low - reach || nanoseconds > high + reach)
}

function drift(series: readonly Series[], rounds: number): number {
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
