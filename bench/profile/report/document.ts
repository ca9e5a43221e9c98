import { keyOf, type RoundSample } from '../../engine/rounds.js'
import { configOf } from '../../report/document.js'
import { answerInWords } from '../analysis/answer.js'
import { checkReliability, noiseOf, outlierFlags, type ProfileRun, withRoot } from '../analysis/reliability.js'

/** Incremented when a key changes its meaning or is removed; new keys may be added without. docs/profile-json.md has all keys. */
export const PROFILE_SCHEMA_VERSION = 2

/** What `--json` prints, and `--diff` reads; docs/profile-json.md describes each key. */
export type ProfileDocument = ReturnType<typeof profileDocument>

export function profileDocument(run: ProfileRun) {
  const { plan, measured, figures, subject, isRealTime, clockNanoseconds } = run
  const { missing: _missing, ...shown } = figures
  const { rounds, endedBy, unmeasured, series } = measured
  const noise = noiseOf(measured)
  return rounded({
    kind: 'batchconn-profile' as const,
    schemaVersion: PROFILE_SCHEMA_VERSION as number,
    startedAt: run.startedAt,
    seconds: run.seconds,
    machine: run.machine,
    options: configOf(plan),
    subject,
    target: run.target,
    measuring: { rounds, endedBy, isRealTime, clockNanoseconds, unmeasured },
    ...shown,
    crossChecks: run.crossChecks,
    noise,
    reliability: checkReliability(run, noise),
    withRoot: withRoot(run),
    answer: answerInWords(figures, subject),
    samples: series.map((one) => {
      const outliers = outlierFlags(one)
      return {
        id: keyOf(one.case),
        operations: one.samples[0]?.operations ?? 0,
        rounds: one.samples.map(({ round }) => round),
        nanoseconds: one.samples.map(({ nanoseconds }) => nanoseconds),
        marks: one.samples.map((sample, index) => mark(sample, outliers[index])).join(''),
      }
    }),
  })
}

/** Returns the document as text, with one line per row of samples, so that documents can be compared by lines. */
export function documentText({ samples, ...rest }: ProfileDocument): string {
  const head = JSON.stringify(rest, null, 2).slice(0, -2)
  const rows = samples.map((row) => `    ${JSON.stringify(row)}`).join(',\n')
  return `${head},\n  "samples": [\n${rows}\n  ]\n}`
}

/** Returns `i` for an interrupted sample, `s` if messages are missing, `g` with garbage collections, `o` for an outlier, or `.`. */
function mark({ interrupted, shortMessages, collections }: RoundSample, isOutlier: boolean): string {
  if (shortMessages > 0) return 's'
  if (interrupted) return 'i'
  if (collections > 0) return 'g'
  return isOutlier ? 'o' : '.'
}

function rounded<T>(value: T): T {
  if (typeof value === 'number') return (Number.isInteger(value) ? value : Number(value.toPrecision(6))) as T
  if (Array.isArray(value)) return value.map(rounded) as T
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, rounded(one)])) as T
}
