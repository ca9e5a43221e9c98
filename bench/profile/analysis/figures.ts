import { columns, keyOf, type Series, type Unmeasured } from '../../engine/case.js'
import type { Random } from '../../stats/random.js'
import { NotMeasured, Resampling } from '../../stats/resampling.js'
import type { Work } from '../cases/work.js'
import { type Breakdown, breakdowns } from './breakdown.js'
import { type CrossingFigure, crossingFigures, type EncoderFigure, encoderFigures } from './encoders.js'
import type { FigureBasis } from './figure-basis.js'
import { type Gain, gains } from './gains.js'
import { type LineFigure, lineFigures } from './lines.js'

/** Everything that is computed from the samples. */
export interface Figures {
  readonly breakdowns: readonly Breakdown[]
  readonly lines: readonly LineFigure[]
  readonly gains: readonly Gain[]
  readonly encoders: readonly EncoderFigure[]
  readonly crossings: readonly CrossingFigure[]
  /** Figures that lack a measured case. */
  readonly missing: readonly Unmeasured[]
}

export function computeFigures(basis: FigureBasis, random: Random, replicates = 1000): Figures {
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
