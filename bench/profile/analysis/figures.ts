import { linearRegression, linearRegressionLine, rSquared, sum } from 'simple-statistics'
import { columns, type Series, type Unmeasured } from '../../engine/rounds.js'
import type { HeapGrowth } from '../../engine/sample.js'
import { seededRandom } from '../../stats/random.js'
import { type Lookup, NotMeasured, Resampling } from '../../stats/resampling.js'
import {
  callId,
  crossingId,
  encoderId,
  type LineKey,
  lineBatches,
  lineId,
  lineKeys,
  lineName,
  SEND_FUNCTIONS,
  type SendFunction,
  type Subject,
  type Work,
} from '../cases/cases.js'
import { breakdowns } from './breakdown.js'

interface FigureBasis {
  readonly series: readonly Series<Work>[]
  readonly rounds: number
  readonly subject: Subject
  readonly encoders: readonly { readonly name: string; readonly describe: string }[]
  /** By the id of the encoder's case. */
  readonly growth: ReadonlyMap<string, HeapGrowth>
}

/** Everything that is computed from the samples; docs/profile-json.md describes each key. */
export type Figures = ReturnType<typeof computeFigures>
export type LineFigure = ReturnType<typeof lineFigure>

export function computeFigures(basis: FigureBasis, seed: number, replicates?: number) {
  const { series, rounds, subject } = basis
  const resampling = new Resampling(columns(series, rounds), rounds, seededRandom(seed), replicates)
  const missing: Unmeasured[] = []
  const attempt = <T>(id: string, work: () => T): T[] => {
    try {
      return [work()]
    } catch (error) {
      if (!(error instanceof NotMeasured)) throw error
      missing.push({ id, reason: error.message })
      return []
    }
  }
  return {
    breakdowns: breakdowns(resampling, subject, attempt),
    lines: lineFigures(resampling, subject),
    gains: gains(resampling, subject, attempt),
    encoders: encoderFigures(resampling, basis),
    crossings: crossingFigures(resampling, attempt),
    missing,
  }
}

/** Returns the lines with at least three measured points. */
function lineFigures(resampling: Resampling, subject: Subject) {
  return lineKeys(subject).flatMap((key) => {
    const batches = lineBatches(key, subject).filter((n) => resampling.has(lineId(key, n)))
    return batches.length < 3 ? [] : [lineFigure(resampling, key, batches)]
  })
}

/** Returns the cost over the batch size, T(n) = a + b·n, and the upper limit of the gain over one call per message, a/b. */
export function lineFigure(resampling: Resampling, key: LineKey, batches: readonly number[]) {
  const pointsOf = (of: Lookup) => batches.map((n) => ({ n, nanoseconds: of(lineId(key, n)) }))
  const intervalOf = (figure: (line: Line) => number) => resampling.interval((of) => figure(fitLine(pointsOf(of))))
  const [a, b, maxGain] = [intervalOf((line) => line.a), intervalOf((line) => line.b), intervalOf(({ a, b }) => a / b)]
  const measured = pointsOf((id) => resampling.value(id))
  return {
    ...{ ...key, name: lineName(key), a, b, maxGain },
    quality: fitQuality(measured, { a: a.estimate, b: b.estimate }),
    points: batches.map((n) => ({ n, nanoseconds: resampling.interval((of) => of(lineId(key, n))) })),
  }
}

type Attempt = <T>(name: string, work: () => T) => T[]

/**
 * Returns what batching, connecting and GSO gain over `sendmsg` on an unconnected socket: 0.25 for a quarter more messages in
 * the same time.
 */
function gains(resampling: Resampling, subject: Subject, attempt: Attempt) {
  const { batch } = subject
  const whole = (mode: SendFunction, connected: boolean) => {
    const [id, messages] = [callId({ mode, connected }, 'library', subject), mode === 'sendmsg' ? 1 : batch]
    return (of: Lookup) => of(id) / messages
  }
  const [single, batched] = [whole('sendmsg', false), whole('sendmmsg', false)]
  const [singleConnected, batchedConnected] = [whole('sendmsg', true), whole('sendmmsg', true)]
  const gso = lineKeys(subject).flatMap((key) => {
    const { mode } = key
    if (mode !== 'gso' && mode !== 'gso-split') return []
    const segments = lineBatches(key, subject).at(-1) ?? 1
    const split = mode === 'gso-split' ? 'split by the kernel' : 'split by the device, or not at all'
    const after = (of: Lookup) => of(lineId(key, segments)) / segments
    return [[mode, `GSO sends of ${segments}, ${split}`, single, after] as const]
  })
  const pairs = [
    ['batching', `sendmmsg of ${batch}`, single, batched],
    ['batching connected', `sendmmsg of ${batch}, both connected`, singleConnected, batchedConnected],
    ['connecting', 'connecting the socket, sendmsg', single, singleConnected],
    ['connecting and batching', `connecting the socket, and sendmmsg of ${batch}`, single, batchedConnected],
    ...gso,
  ] as const
  return pairs.flatMap(([name, label, before, after]) =>
    attempt(`the gain of ${label}`, () => {
      return { name, label, gain: resampling.interval((of) => before(of) / after(of) - 1) }
    }),
  )
}

/** Returns the cost of each encoder per message: alone, with the system call, and the share of the first in the second. */
function encoderFigures(resampling: Resampling, { series, subject, encoders, growth }: FigureBasis) {
  const pointOf = (name: string, batch: number) => {
    const [alone, whole] = [encoderId(name, batch, false), encoderId(name, batch, true)]
    if (!resampling.has(alone) || !resampling.has(whole)) return []
    const bytes = (count = Number.NaN) => (Number.isFinite(count) ? count / batch : null)
    const samples = series.find(({ case: one }) => one.id === alone)?.samples ?? []
    return [
      {
        batch,
        alone: resampling.interval((of) => of(alone) / batch),
        withCall: resampling.interval((of) => of(whole) / batch),
        // The mean: the medians mostly exclude collections.
        collectionNanoseconds:
          sum(samples.map((one) => one.collectionNanoseconds)) / sum(samples.map((one) => one.operations)) / batch,
        heapBytes: bytes(growth.get(alone)?.heapBytes),
        externalBytes: bytes(growth.get(alone)?.externalBytes),
        share: resampling.interval((of) => of(alone) / of(whole)),
      },
    ]
  }
  return encoders
    .map(({ name, describe }) => {
      return { name, describe, points: subject.batches.flatMap((batch) => pointOf(name, batch)) }
    })
    .filter(({ points }) => points.length > 0)
}

/** Returns the cost of one crossing into C, per FFI, minus the call of a JavaScript function. */
function crossingFigures(resampling: Resampling, attempt: Attempt) {
  return (['koffi', 'node:ffi'] as const).flatMap((by) =>
    SEND_FUNCTIONS.filter((mode) => resampling.has(crossingId(by, mode))).flatMap((mode) =>
      attempt(`the crossing by ${by}`, () => ({
        by,
        function: mode,
        nanoseconds: resampling.interval((of) => of(crossingId(by, mode)) - of(crossingId('javascript', mode))),
      })),
    ),
  )
}

/** T(n) = a + b·n: nanoseconds per call and per message. */
interface Line {
  readonly a: number
  readonly b: number
}

/** The time of `n` messages together. */
interface Point {
  readonly n: number
  readonly nanoseconds: number
}

/**
 * Fits a line by relative errors: least squares of T(n)/n = b + a/n. With T(n) itself, the largest batches alone would
 * determine the result.
 */
export function fitLine(points: readonly Point[]): Line {
  const { m, b } = linearRegression(transformed(points))
  return { a: m, b }
}

/** Returns the share of the variance of T(n)/n that the line explains, and the relative deviation of the farthest point. */
export function fitQuality(points: readonly Point[], { a, b }: Line) {
  const explained = rSquared(transformed(points), linearRegressionLine({ m: a, b }))
  const deviations = points.map(({ n, nanoseconds }) => ({ n, share: nanoseconds / (a + b * n) - 1 }))
  const worst = deviations.reduce((one, other) => (Math.abs(other.share) > Math.abs(one.share) ? other : one))
  return { rSquared: explained, worstDeviation: worst.share, worstAt: worst.n }
}

function transformed(points: readonly Point[]): [number, number][] {
  return points.map(({ n, nanoseconds }) => [1 / n, nanoseconds / n])
}
