import type { Column } from '../statistics/resampling.js'
import { representative, type Sample, type Series } from './sample.js'

/**
 * The value of each case in each round, for one operation; undefined where nothing that counts was measured.
 *
 * Rounds that were slower for all alike are left as they are: levelled, they would look more certain than they are.
 */
export function columns(series: readonly Series[], rounds: number): Map<string, Column> {
  return new Map(
    series.map(({ case: one, samples }) => {
      const byRound = Array.from({ length: rounds }, (): Sample[] => [])
      for (const sample of samples) byRound[sample.round]?.push(sample)
      return [one.id, byRound.map((some) => representative(some)?.nanoseconds)]
    }),
  )
}
