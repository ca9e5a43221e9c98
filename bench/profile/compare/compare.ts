import { probit } from 'simple-statistics'
import { Failure } from '../../cli/run-command.js'
import { holm, type Interval, twoSidedP } from '../../stats/interval.js'
import { breakdownName } from '../analysis/breakdown.js'
import { PROFILE_SCHEMA_VERSION, type ProfileDocument } from '../report/document.js'

/** How one figure changed. */
export interface Verdict {
  readonly id: string
  readonly before: number
  readonly after: number
  /** After minus before, in nanoseconds, with an interval that is valid for all figures together. */
  readonly difference: { readonly estimate: number; readonly low: number; readonly high: number }
  /** Corrected for the number of figures. */
  readonly p: number
  readonly verdict: 'faster' | 'slower' | 'not significant'
}

export interface Comparison {
  readonly kind: 'batchconn-profile-comparison'
  readonly schemaVersion: 2
  readonly comparisons: number
  readonly verdicts: readonly Verdict[]
  /** Figures in only one of the documents. */
  readonly unmatched: readonly string[]
  /** Differences that make the runs less comparable. */
  readonly warnings: readonly string[]
}

/**
 * Compares each figure of two runs. The runs are independent, so variances add; p-values are corrected for the number of
 * figures (Holm).
 */
export function compareDocuments(before: ProfileDocument, after: ProfileDocument): Comparison {
  const [old, now] = [figuresOf(before), figuresOf(after)]
  const matches = now.flatMap((figure) => {
    const match = old.find(({ id }) => id === figure.id)
    return match === undefined ? [] : [{ id: figure.id, before: match, after: figure }]
  })
  const errors = matches.map(({ before: one, after: other }) => Math.hypot(errorOf(one), errorOf(other)))
  const differences = matches.map(({ before: one, after: other }) => other.interval.estimate - one.interval.estimate)
  const ps = holm(differences.map((difference, index) => twoSidedP(difference, errors[index])))
  const reach = probit(1 - LEVEL / 2 / Math.max(1, matches.length))
  const verdicts = matches.map(({ id, before: one, after: other }, index): Verdict => {
    const estimate = differences[index]
    const margin = reach * errors[index]
    return {
      id,
      before: one.interval.estimate,
      after: other.interval.estimate,
      difference: { estimate, low: estimate - margin, high: estimate + margin },
      p: ps[index],
      verdict: ps[index] >= LEVEL ? 'not significant' : estimate < 0 ? 'faster' : 'slower',
    }
  })
  const known = new Set(matches.map(({ id }) => id))
  return {
    kind: 'batchconn-profile-comparison',
    schemaVersion: 2,
    comparisons: matches.length,
    verdicts,
    unmatched: [...old, ...now].map(({ id }) => id).filter((id) => !known.has(id)),
    warnings: warnings(before, after),
  }
}

/** Returns the standard error, at least 0.1 % of the estimate: medians of few rounds can be equal by chance. */
function errorOf({ interval }: ComparedFigure): number {
  const { standardError, estimate } = interval
  return Math.max(Number.isFinite(standardError) ? standardError : 0, Math.abs(estimate) * SMALLEST_ERROR)
}

function warnings(before: ProfileDocument, after: ProfileDocument): string[] {
  const found: string[] = []
  const differ = (what: string, one: unknown, other: unknown) => {
    if (JSON.stringify(one) !== JSON.stringify(other)) found.push(`${what}: ${show(one)} before, ${show(other)} after`)
  }
  for (const key of ['kernel', 'cpu', 'cores', 'node', 'koffi'] as const) {
    differ(key, before.machine[key], after.machine[key])
  }
  differ('target', before.target.name, after.target.name)
  differ('payload bytes', before.subject.sizeBytes, after.subject.sizeBytes)
  for (const [name, { reliability }] of [
    ['before', before],
    ['after', after],
  ] as const) {
    if (!reliability.isReliable) found.push(`the run ${name} is not reliable: ${reliability.failures.join('; ')}`)
  }
  found.push(
    'intervals contain the variation within each run, not the variation between runs (clock frequency, other programs, ' +
      'other machines on the host): measure before, after, and before again to see it',
  )
  return found
}

function show(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

const LEVEL = 0.05
const SMALLEST_ERROR = 0.001

/** A figure that can be compared with another run's: nanoseconds, less is faster. */
interface ComparedFigure {
  readonly id: string
  readonly interval: Interval
}

/** Returns all figures of a document by names that two runs share. */
function figuresOf({ breakdowns, lines, encoders, crossings }: ProfileDocument): ComparedFigure[] {
  return [
    ...breakdowns.flatMap((breakdown) => {
      const name = `${breakdownName(breakdown)}, batch of ${breakdown.batch}`
      return [
        { id: `${name}: whole`, interval: breakdown.whole },
        ...breakdown.components.map(({ label, nanoseconds }) => ({ id: `${name}: ${label}`, interval: nanoseconds })),
      ]
    }),
    ...lines.flatMap(({ name, a, b }) => [
      { id: `line ${name}: a, per call`, interval: a },
      { id: `line ${name}: b, per message`, interval: b },
    ]),
    ...encoders.flatMap(({ name, points }) =>
      points.map(({ batch, alone }) => ({ id: `encoder ${name}, batch of ${batch}`, interval: alone })),
    ),
    ...crossings.map(({ by, function: name, nanoseconds }) => ({
      id: `crossing ${by} as ${name}`,
      interval: nanoseconds,
    })),
  ]
}

/** Parses a document. @throws Failure if the text is not a profile, or of another version */
export function parseDocument(name: string, text: string): ProfileDocument {
  let value: Partial<ProfileDocument> | null
  try {
    value = JSON.parse(text)
  } catch {
    throw new Failure(`${name} is not JSON`)
  }
  if (value?.kind !== 'batchconn-profile') throw new Failure(`${name} is not a profile; make one with --json`)
  if (value.schemaVersion !== PROFILE_SCHEMA_VERSION) {
    throw new Failure(
      `${name} has schema version ${value.schemaVersion}, this command reads version ${PROFILE_SCHEMA_VERSION}`,
    )
  }
  return value as ProfileDocument
}
