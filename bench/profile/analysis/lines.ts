import type { Interval } from '../../stats/interval.js'
import { type FitQuality, fitLine, fitQuality, type Point } from '../../stats/line.js'
import type { Lookup, Resampling } from '../../stats/resampling.js'
import { type LineKey, lineBatches, lineId, lineKeys, lineName } from '../cases/line-cases.js'
import type { Subject } from '../cases/work.js'

/** The cost over the batch size in one way to send or receive: T(n) = a + b·n. */
export interface LineFigure extends LineKey {
  readonly name: string
  /** Nanoseconds per call. */
  readonly a: Interval
  /** Nanoseconds per message. */
  readonly b: Interval
  /** Upper limit of the gain over one call per message: a/b. */
  readonly maxGain: Interval
  readonly quality: FitQuality
  readonly points: readonly { readonly n: number; readonly nanoseconds: Interval }[]
}

/** Returns the lines with at least three measured points. */
export function lineFigures(resampling: Resampling, subject: Subject): LineFigure[] {
  return lineKeys(subject)
    .map((key) => ({ key, batches: lineBatches(key, subject).filter((n) => resampling.has(lineId(key, n))) }))
    .filter(({ batches }) => batches.length >= FEWEST_POINTS)
    .map(({ key, batches }) => lineFigure(resampling, key, batches))
}

export function lineFigure(resampling: Resampling, key: LineKey, batches: readonly number[]): LineFigure {
  const points = (of: Lookup): Point[] => batches.map((n) => ({ n, nanoseconds: of(lineId(key, n)) }))
  const fit = (of: Lookup) => fitLine(points(of))
  const a = resampling.interval((of) => fit(of).a)
  const b = resampling.interval((of) => fit(of).b)
  return {
    ...key,
    name: lineName(key),
    a,
    b,
    maxGain: resampling.interval((of) => {
      const line = fit(of)
      return line.a / line.b
    }),
    quality: fitQuality(
      points((id) => resampling.value(id)),
      { a: a.estimate, b: b.estimate },
    ),
    points: batches.map((n) => ({ n, nanoseconds: resampling.interval((of) => of(lineId(key, n))) })),
  }
}

const FEWEST_POINTS = 3
