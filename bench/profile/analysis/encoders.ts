import type { Series } from '../../engine/case.js'
import type { Interval } from '../../stats/interval.js'
import type { Resampling } from '../../stats/resampling.js'
import { crossingId } from '../cases/breakdown-cases.js'
import { encoderId } from '../cases/cases.js'
import { SEND_FUNCTIONS, type SendFunction, type Work } from '../cases/work.js'
import type { FigureBasis } from './figure-basis.js'

/** One encoder with one batch size; per message. */
export interface EncoderPoint {
  readonly batch: number
  readonly alone: Interval
  readonly withCall: Interval
  /** Mean time of garbage collections, which the medians mostly exclude. */
  readonly collectionNanoseconds: number
  readonly heapBytes: number | null
  readonly externalBytes: number | null
  /** Share of `alone` in `withCall`. */
  readonly share: Interval
}

export interface EncoderFigure {
  readonly name: string
  readonly describe: string
  readonly points: readonly EncoderPoint[]
}

/** Returns what each encoder costs. */
export function encoderFigures(resampling: Resampling, basis: FigureBasis): EncoderFigure[] {
  const series = new Map(basis.series.map((one) => [one.case.id, one]))
  const pointOf = (name: string, batch: number): EncoderPoint => {
    const [alone, whole] = [encoderId(name, batch, false), encoderId(name, batch, true)]
    const growth = basis.growth.get(alone)
    return {
      batch,
      alone: resampling.interval((of) => of(alone) / batch),
      withCall: resampling.interval((of) => of(whole) / batch),
      collectionNanoseconds: collectionTime(series.get(alone)) / batch,
      heapBytes: finite(growth?.heapBytes, batch),
      externalBytes: finite(growth?.externalBytes, batch),
      share: resampling.interval((of) => of(alone) / of(whole)),
    }
  }
  const isMeasured = (name: string, batch: number) =>
    [false, true].every((withCall) => resampling.has(encoderId(name, batch, withCall)))
  return basis.encoders
    .map(({ name, describe }) => {
      const batches = basis.subject.batches.filter((batch) => isMeasured(name, batch))
      return { name, describe, points: batches.map((batch) => pointOf(name, batch)) }
    })
    .filter(({ points }) => points.length > 0)
}

/** Returns the mean time of garbage collections per operation. */
function collectionTime(series: Series<Work> | undefined): number {
  const samples = series?.samples.filter(({ shortMessages }) => shortMessages === 0) ?? []
  const operations = samples.reduce((sum, sample) => sum + sample.operations, 0)
  const nanoseconds = samples.reduce((sum, sample) => sum + sample.collectionNanoseconds, 0)
  return operations === 0 ? 0 : nanoseconds / operations
}

function finite(bytes: number | undefined, batch: number): number | null {
  return bytes !== undefined && Number.isFinite(bytes) ? bytes / batch : null
}

/** The cost of one crossing into C, per FFI, minus the call of a JavaScript function. */
export interface CrossingFigure {
  readonly by: 'koffi' | 'node:ffi'
  readonly function: SendFunction
  readonly nanoseconds: Interval
}

export function crossingFigures(
  resampling: Resampling,
  attempt: (name: string, work: () => CrossingFigure) => CrossingFigure[],
): CrossingFigure[] {
  return (['koffi', 'node:ffi'] as const).flatMap((by) =>
    SEND_FUNCTIONS.filter((name) => resampling.has(crossingId(by, name))).flatMap((name) =>
      attempt(`the crossing by ${by}`, () => ({
        by,
        function: name,
        nanoseconds: resampling.interval((of) => of(crossingId(by, name)) - of(crossingId('javascript', name))),
      })),
    ),
  )
}
