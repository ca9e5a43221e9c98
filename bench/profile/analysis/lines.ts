import type { Subject } from '../plan/case.js'
import { type LineKey, lineBatches, lineId, lineKeys, lineName } from '../plan/line-cases.js'
import type { Interval } from '../statistics/interval.js'
import { type FitQuality, fitLine, fitQuality, type Point } from '../statistics/line.js'
import type { Lookup, Resampling } from '../statistics/resampling.js'

/** The cost over batch size in one way of sending or receiving: T(n) = a + b·n. */
export interface LineFigure extends LineKey {
  readonly name: string
  /** Nanoseconds a call. */
  readonly a: Interval
  /** Nanoseconds a message. */
  readonly b: Interval
  /** How much faster than a call for each message the largest batch can be: a/b. */
  readonly mostGain: Interval
  readonly quality: FitQuality
  readonly points: readonly { readonly n: number; readonly nanoseconds: Interval }[]
}

/** The lines whose points were all measured. */
export function lineFigures(resampling: Resampling, subject: Subject): LineFigure[] {
  return lineKeys(subject)
    .map((key) => ({ key, batches: lineBatches(key, subject).filter((n) => resampling.has(lineId(key, n))) }))
    .filter(({ batches }) => batches.length >= FEWEST_POINTS)
    .map(({ key, batches }) => lineFigure(resampling, key, batches))
}

export function lineFigure(resampling: Resampling, key: LineKey, batches: readonly number[]): LineFigure {
  const points = (of: Lookup): Point[] => batches.map((n) => ({ n, nanoseconds: of(lineId(key, n)) }))
  const fit = (of: Lookup) => fitLine(points(of))
  const [a, b, mostGain] = [
    resampling.interval((of) => fit(of).a),
    resampling.interval((of) => fit(of).b),
    resampling.interval((of) => {
      const { a: call, b: message } = fit(of)
      return call / message
    }),
  ]
  return {
    ...key,
    name: lineName(key),
    a,
    b,
    mostGain,
    quality: fitQuality(
      points((id) => resampling.value(id)),
      { a: a.estimate, b: b.estimate },
    ),
    points: batches.map((n) => ({ n, nanoseconds: resampling.interval((of) => of(lineId(key, n))) })),
  }
}

const FEWEST_POINTS = 3
