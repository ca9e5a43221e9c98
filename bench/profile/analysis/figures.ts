import type { Random } from '../../workload/random.js'
import type { Subject } from '../plan/case.js'
import type { HeapGrowth } from '../process/heap.js'
import { columns } from '../schedule/columns.js'
import type { Series } from '../schedule/sample.js'
import { Resampling } from '../statistics/resampling.js'
import { type Gain, gains } from './gains.js'
import { type Ladder, ladders } from './ladder.js'
import { type LineFigure, lineFigures } from './lines.js'
import { type CrossingFigure, crossingFigures, type StrategyFigure, strategyFigures } from './strategies.js'

/** All that is worked out from the samples. */
export interface Figures {
  readonly ladders: readonly Ladder[]
  readonly lines: readonly LineFigure[]
  readonly gains: readonly Gain[]
  readonly strategies: readonly StrategyFigure[]
  readonly crossings: readonly CrossingFigure[]
}

/** What the figures are worked out from. */
export interface FigureBasis {
  readonly series: readonly Series[]
  readonly rounds: number
  readonly subject: Subject
  readonly strategies: readonly { readonly name: string; readonly describe: string }[]
  readonly growth: ReadonlyMap<string, HeapGrowth>
}

export function workOutFigures(basis: FigureBasis, random: Random, replicates = 1000): Figures {
  const { series, rounds, subject, strategies } = basis
  const resampling = makeResampling(series, rounds, random, replicates)
  return {
    ladders: ladders(resampling, subject),
    lines: lineFigures(resampling, subject),
    gains: gains(resampling, subject),
    strategies: strategyFigures(resampling, subject, strategies, basis),
    crossings: crossingFigures(resampling),
  }
}

/** The samples, ready to be resampled; what was measured in several processes is one thing again. */
export function makeResampling(
  series: readonly Series[],
  rounds: number,
  random: Random,
  replicates: number,
): Resampling {
  const resampling = new Resampling(columns(series, rounds), rounds, random, { replicates })
  const pools = new Map<string, string[]>()
  for (const { case: one } of series) {
    const [id, replica] = one.id.split('#')
    if (replica !== undefined) pools.set(id, [...(pools.get(id) ?? []), one.id])
  }
  for (const [id, parts] of pools) resampling.pool(id, parts, random)
  return resampling
}
