import type { Subject } from '../plan/case.js'
import { crossingId } from '../plan/ladder-cases.js'
import { strategyId } from '../plan/strategy-cases.js'
import type { HeapGrowth } from '../process/heap.js'
import type { Series } from '../schedule/sample.js'
import type { Interval } from '../statistics/interval.js'
import type { Resampling } from '../statistics/resampling.js'

/** One strategy on one batch size, a message. */
export interface StrategyPoint {
  readonly batch: number
  readonly alone: Interval
  readonly withCall: Interval
  /** What garbage collections took of the two, on average: the medians leave most of it out. */
  readonly collectionNanoseconds: number
  readonly heapBytes: number | null
  readonly externalBytes: number | null
  /** Of the whole send: alone, through with-call. */
  readonly share: Interval
}

export interface StrategyFigure {
  readonly name: string
  readonly describe: string
  readonly points: readonly StrategyPoint[]
}

/** What each strategy costs. @param growth - by case */
export function strategyFigures(
  resampling: Resampling,
  subject: Subject,
  strategies: readonly { readonly name: string; readonly describe: string }[],
  measured: { readonly series: readonly Series[]; readonly growth: ReadonlyMap<string, HeapGrowth> },
): StrategyFigure[] {
  const series = new Map(measured.series.map((one) => [one.case.id, one]))
  return strategies
    .map(({ name, describe }) => ({
      name,
      describe,
      points: subject.batches
        .filter((batch) => [false, true].every((withCall) => resampling.has(strategyId(name, batch, withCall))))
        .map((batch) => strategyPoint(resampling, name, batch, series, measured.growth)),
    }))
    .filter(({ points }) => points.length > 0)
}

function strategyPoint(
  resampling: Resampling,
  name: string,
  batch: number,
  series: ReadonlyMap<string, Series>,
  growth: ReadonlyMap<string, HeapGrowth>,
): StrategyPoint {
  const [alone, whole] = [strategyId(name, batch, false), strategyId(name, batch, true)]
  const grown = growth.get(alone)
  return {
    batch,
    alone: resampling.interval((of) => of(alone) / batch),
    withCall: resampling.interval((of) => of(whole) / batch),
    collectionNanoseconds: collectionTime(series.get(alone)) / batch,
    heapBytes: grown === undefined ? null : finite(grown.heapBytes / batch),
    externalBytes: grown === undefined ? null : finite(grown.externalBytes / batch),
    share: resampling.interval((of) => of(alone) / of(whole)),
  }
}

/** What garbage collections took of an operation, on average. */
function collectionTime(series: Series | undefined): number {
  const samples = series?.samples.filter(({ shortMessages }) => shortMessages === 0) ?? []
  const operations = samples.reduce((sum, sample) => sum + sample.operations, 0)
  const nanoseconds = samples.reduce((sum, sample) => sum + sample.collectionNanoseconds, 0)
  return operations === 0 ? 0 : nanoseconds / operations
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null
}

/** What crossing into C costs a call, by each FFI, less calling a JavaScript function. */
export interface CrossingFigure {
  readonly by: 'koffi' | 'node:ffi'
  readonly function: 'sendmsg' | 'sendmmsg'
  readonly nanoseconds: Interval
}

export function crossingFigures(resampling: Resampling): CrossingFigure[] {
  return (['koffi', 'node:ffi'] as const).flatMap((by) =>
    (['sendmsg', 'sendmmsg'] as const)
      .filter((name) => resampling.has(crossingId(by, name)))
      .map((name) => ({
        by,
        function: name,
        nanoseconds: resampling.interval((of) => of(crossingId(by, name)) - of(crossingId('javascript', name))),
      })),
  )
}
