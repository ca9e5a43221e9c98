import { columns, keyOf, type Series, type Unmeasured } from '../../engine/case.js'
import type { HeapGrowth } from '../../engine/sample.js'
import type { Interval } from '../../stats/interval.js'
import { fitLine, fitQuality, type Point } from '../../stats/line.js'
import type { Random } from '../../stats/random.js'
import { type Lookup, NotMeasured, Resampling } from '../../stats/resampling.js'
import { crossingId, encoderId, type LineKey, lineBatches, lineId, lineKeys, lineName, sendId } from '../cases/cases.js'
import { SEND_FUNCTIONS, type Subject, type Work } from '../cases/work.js'
import { breakdowns } from './breakdown.js'

export interface FigureBasis {
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

export function computeFigures(basis: FigureBasis, random: Random, replicates = 1000) {
  const { series, rounds, subject } = basis
  const resampling = resample(series, rounds, random, replicates)
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

/** Returns the samples, ready for resampling; replicas of a case are combined under its id. */
export function resample(
  series: readonly Series<Work>[],
  rounds: number,
  random: Random,
  replicates: number,
): Resampling {
  const resampling = new Resampling(columns(series, rounds), rounds, random, { replicates })
  const replicas = new Map<string, string[]>()
  for (const { case: one } of series) {
    if (one.replica !== undefined) replicas.set(one.id, [...(replicas.get(one.id) ?? []), keyOf(one)])
  }
  for (const [id, keys] of replicas) resampling.pool(id, keys, random)
  return resampling
}

/** Returns the lines with at least three measured points. */
function lineFigures(resampling: Resampling, subject: Subject) {
  return lineKeys(subject).flatMap((key) => {
    const batches = lineBatches(key, subject).filter((n) => resampling.has(lineId(key, n)))
    return batches.length < FEWEST_POINTS ? [] : [lineFigure(resampling, key, batches)]
  })
}

/** Returns the cost over the batch size, T(n) = a + b·n, and the upper limit of the gain over one call per message, a/b. */
export function lineFigure(resampling: Resampling, key: LineKey, batches: readonly number[]) {
  const points = (of: Lookup): Point[] => batches.map((n) => ({ n, nanoseconds: of(lineId(key, n)) }))
  const fit = (of: Lookup) => fitLine(points(of))
  const a = resampling.interval((of) => fit(of).a)
  const b = resampling.interval((of) => fit(of).b)
  const maxGain = resampling.interval((of) => {
    const line = fit(of)
    return line.a / line.b
  })
  const middle = points((id) => resampling.value(id))
  return {
    ...key,
    name: lineName(key),
    a,
    b,
    maxGain,
    quality: fitQuality(middle, { a: a.estimate, b: b.estimate }),
    points: batches.map((n) => ({ n, nanoseconds: resampling.interval((of) => of(lineId(key, n))) })),
  }
}

/** How much faster one way to send is than another: 0.25 for a quarter more messages in the same time. */
export interface Gain {
  readonly name: 'batching' | 'batching connected' | 'connecting' | 'connecting and batching' | 'gso' | 'gso-split'
  /** In words. */
  readonly label: string
  readonly gain: Interval
}

/** Returns what batching, connecting and GSO gain over `sendmsg` on an unconnected socket. */
function gains(resampling: Resampling, subject: Subject, attempt: (name: string, work: () => Gain) => Gain[]): Gain[] {
  const { batch, sizeBytes } = subject
  const single = (connected: boolean) => (of: Lookup) => of(sendId('sendmsg', connected, 'library', 1, sizeBytes))
  const batched = (connected: boolean) => (of: Lookup) =>
    of(sendId('sendmmsg', connected, 'library', batch, sizeBytes)) / batch
  const gain = (name: Gain['name'], label: string, before: (of: Lookup) => number, after: (of: Lookup) => number) =>
    attempt(`the gain of ${label}`, () => {
      return { name, label, gain: resampling.interval((of) => before(of) / after(of) - 1) }
    })
  const gso = lineKeys(subject).flatMap((key) => {
    const { mode } = key
    if (mode !== 'gso' && mode !== 'gso-split') return []
    const segments = lineBatches(key, subject).at(-1) ?? 1
    const split = mode === 'gso-split' ? 'split by the kernel' : 'split by the device, or not at all'
    const after = (of: Lookup) => of(lineId(key, segments)) / segments
    return gain(mode, `GSO sends of ${segments}, ${split}`, single(false), after)
  })
  return [
    ...gain('batching', `sendmmsg of ${batch}`, single(false), batched(false)),
    ...gain('batching connected', `sendmmsg of ${batch}, both connected`, single(true), batched(true)),
    ...gain('connecting', 'connecting the socket, sendmsg', single(false), single(true)),
    ...gain('connecting and batching', `connecting the socket, and sendmmsg of ${batch}`, single(false), batched(true)),
    ...gso,
  ]
}

/** Returns the cost of each encoder per message: alone, with the system call, and the share of the first in the second. */
function encoderFigures(resampling: Resampling, { series, subject, encoders, growth }: FigureBasis) {
  const pointOf = (name: string, batch: number) => {
    const [alone, whole] = [encoderId(name, batch, false), encoderId(name, batch, true)]
    if (!resampling.has(alone) || !resampling.has(whole)) return []
    const bytes = (count: number | undefined) => (count !== undefined && Number.isFinite(count) ? count / batch : null)
    const own = series.find(({ case: one }) => one.id === alone)
    return [
      {
        batch,
        alone: resampling.interval((of) => of(alone) / batch),
        withCall: resampling.interval((of) => of(whole) / batch),
        collectionNanoseconds: collectionTime(own) / batch,
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

/** Returns the mean time of garbage collections per operation, which the medians mostly exclude. */
function collectionTime(series: Series<Work> | undefined): number {
  const samples = series?.samples.filter(({ shortMessages }) => shortMessages === 0) ?? []
  const operations = samples.reduce((sum, sample) => sum + sample.operations, 0)
  const nanoseconds = samples.reduce((sum, sample) => sum + sample.collectionNanoseconds, 0)
  return operations === 0 ? 0 : nanoseconds / operations
}

/** Returns the cost of one crossing into C, per FFI, minus the call of a JavaScript function. */
function crossingFigures(resampling: Resampling, attempt: <T>(name: string, work: () => T) => T[]) {
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

const FEWEST_POINTS = 3
