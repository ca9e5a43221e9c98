import { keyOf, type RoundSample } from '../../engine/case.js'
import { answerInWords } from '../analysis/answer.js'
import type { Figures } from '../analysis/figures.js'
import { outlierFlags } from '../analysis/noise.js'
import type { ProfileRun } from '../run.js'

/** Incremented when a key changes its meaning or is removed; new keys may be added without. docs/profile-json.md has all keys. */
export const PROFILE_SCHEMA_VERSION = 2

/** What `--json` prints, and `--diff` reads. */
export interface ProfileDocument
  extends Pick<ProfileRun, 'startedAt' | 'seconds' | 'machine' | 'subject' | 'target' | 'crossChecks' | 'noise'>,
    Omit<Figures, 'missing'> {
  readonly kind: 'batchconn-profile'
  readonly schemaVersion: number
  readonly options: Record<string, unknown>
  readonly measuring: {
    readonly rounds: number
    readonly endedBy: ProfileRun['measured']['endedBy']
    readonly isRealTime: boolean
    readonly clockNanoseconds: number
    readonly unmeasured: ProfileRun['measured']['unmeasured']
  }
  readonly reliability: ProfileRun['reliability']
  readonly withRoot: readonly string[]
  readonly answer: readonly string[]
  readonly samples: readonly SampleRow[]
}

/** The raw samples of one case. */
export interface SampleRow {
  readonly id: string
  readonly operations: number
  readonly rounds: readonly number[]
  readonly nanoseconds: readonly number[]
  /** One letter per sample: `i` interrupted, `s` short of messages, `g` with garbage collections, `o` an outlier, `.` none. */
  readonly marks: string
}

export function profileDocument(run: ProfileRun): ProfileDocument {
  const { measured, figures, subject } = run
  const { json: _json, quiet: _quiet, html: _html, cpu, ...options } = run.plan
  const { missing: _missing, ...shown } = figures
  return rounded({
    kind: 'batchconn-profile',
    schemaVersion: PROFILE_SCHEMA_VERSION,
    startedAt: run.startedAt,
    seconds: run.seconds,
    machine: run.machine,
    options: { ...options, cpu: cpu ?? null },
    subject,
    target: run.target,
    measuring: {
      rounds: measured.rounds,
      endedBy: measured.endedBy,
      isRealTime: run.isRealTime,
      clockNanoseconds: run.clockNanoseconds,
      unmeasured: measured.unmeasured,
    },
    ...shown,
    crossChecks: run.crossChecks,
    noise: run.noise,
    reliability: run.reliability,
    withRoot: run.withRoot,
    answer: answerInWords(figures, subject),
    samples: measured.series.map((series): SampleRow => {
      const { case: one, samples } = series
      const outliers = outlierFlags(series)
      return {
        id: keyOf(one),
        operations: samples[0]?.operations ?? 0,
        rounds: samples.map(({ round }) => round),
        nanoseconds: samples.map(({ nanoseconds }) => nanoseconds),
        marks: samples.map((sample, index) => mark(sample, outliers[index])).join(''),
      }
    }),
  })
}

/** Returns the document as text, with one line per row of samples, so that documents can be compared by lines. */
export function documentText(document: ProfileDocument): string {
  const { samples, ...rest } = document
  const head = JSON.stringify(rest, null, 2).slice(0, -2)
  const rows = samples.map((row) => `    ${JSON.stringify(row)}`).join(',\n')
  return `${head},\n  "samples": [\n${rows}\n  ]\n}\n`
}

function mark({ interrupted, shortMessages, collections }: RoundSample, isOutlier: boolean): string {
  if (shortMessages > 0) return 's'
  if (interrupted) return 'i'
  if (collections > 0) return 'g'
  return isOutlier ? 'o' : '.'
}

/** Rounds all numbers to six digits. */
function rounded<T>(value: T): T {
  if (typeof value === 'number') return (Number.isInteger(value) ? value : Number(value.toPrecision(6))) as T
  if (Array.isArray(value)) return value.map(rounded) as T
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, rounded(one)])) as T
}
