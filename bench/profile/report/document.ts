import { answerInWords } from '../analysis/answer.js'
import type { Figures } from '../analysis/figures.js'
import { outlierFlags } from '../analysis/noise.js'
import type { ProfileRun } from '../run.js'
import type { Sample } from '../schedule/sample.js'

/** Counts up when a key changes its meaning or goes away; new keys may come without. docs/profile-json.md tells them all. */
export const PROFILE_SCHEMA_VERSION = 1

/** What `--json` prints, and `--compare` reads. */
export interface ProfileDocument {
  readonly kind: 'batchconn-profile'
  readonly schemaVersion: number
  readonly startedAt: string
  readonly seconds: number
  readonly machine: ProfileRun['machine']
  readonly options: Record<string, unknown>
  readonly subject: ProfileRun['subject']
  readonly place: ProfileRun['place']
  readonly measuring: Record<string, unknown>
  readonly ladder: Figures['ladders']
  readonly lines: Figures['lines']
  readonly gains: Figures['gains']
  readonly strategies: Figures['strategies']
  readonly crossings: Figures['crossings']
  readonly crossChecks: ProfileRun['crossChecks']
  readonly noise: ProfileRun['noise']
  readonly trust: ProfileRun['trust']
  readonly answer: readonly string[]
  readonly samples: readonly SampleRow[]
}

/** The raw samples of one case, a column each. */
export interface SampleRow {
  readonly id: string
  readonly operations: number
  readonly rounds: readonly number[]
  readonly nanoseconds: readonly number[]
  /** A letter a sample: `i` interrupted, `s` short, `g` with garbage collections, `o` an outlier, `.` none of these. */
  readonly marks: string
}

export function profileDocument(run: ProfileRun): ProfileDocument {
  const { options, measured, figures, subject } = run
  const { batch, sizeBytes, isQuick, budgetSeconds, precision, blockMilliseconds, processor, seed } = options
  return rounded({
    kind: 'batchconn-profile',
    schemaVersion: PROFILE_SCHEMA_VERSION,
    startedAt: run.startedAt,
    seconds: run.seconds,
    machine: run.machine,
    options: { batch, sizeBytes, isQuick, budgetSeconds, precision, blockMilliseconds, processor, seed },
    subject,
    place: run.place,
    measuring: {
      rounds: measured.rounds,
      endedBy: measured.endedBy,
      isRealTime: run.isRealTime,
      clockNanoseconds: run.clockNanoseconds,
      unable: measured.unable,
    },
    ladder: figures.ladders,
    lines: figures.lines,
    gains: figures.gains,
    strategies: figures.strategies,
    crossings: figures.crossings,
    crossChecks: run.crossChecks,
    noise: run.noise,
    trust: run.trust,
    answer: answerInWords(figures, subject),
    samples: measured.series.map((series): SampleRow => {
      const { case: one, samples } = series
      const outliers = outlierFlags(series)
      return {
        id: one.id,
        operations: samples[0]?.operations ?? 0,
        rounds: samples.map(({ round }) => round),
        nanoseconds: samples.map(({ nanoseconds }) => nanoseconds),
        marks: samples.map((sample, index) => mark(sample, outliers[index])).join(''),
      }
    }),
  })
}

/** One line for each row of samples, so that a document can be read and compared line by line. */
export function documentText(document: ProfileDocument): string {
  const { samples, ...rest } = document
  const head = JSON.stringify(rest, null, 2).slice(0, -2)
  const rows = samples.map((row) => `    ${JSON.stringify(row)}`).join(',\n')
  return `${head},\n  "samples": [\n${rows}\n  ]\n}\n`
}

function mark({ interrupted, shortMessages, collections }: Sample, isOutlier: boolean): string {
  if (shortMessages > 0) return 's'
  if (interrupted) return 'i'
  if (collections > 0) return 'g'
  return isOutlier ? 'o' : '.'
}

/** Numbers with as many digits as they may deserve. */
function rounded<T>(value: T): T {
  if (typeof value === 'number') return (Number.isInteger(value) ? value : Number(value.toPrecision(6))) as T
  if (Array.isArray(value)) return value.map(rounded) as T
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, rounded(one)])) as T
}
