import { probit } from 'simple-statistics'
import { Failure } from '../cli/run-command.js'
import { table } from '../report/table.js'
import { holm, type Interval, twoSidedP } from '../stats/interval.js'
import { breakdownName } from './analysis/breakdown.js'
import { PROFILE_SCHEMA_VERSION, type ProfileDocument } from './report/document.js'
import { nanoseconds as ns } from './report/tables.js'

/** docs/profile-json.md describes each key. */
type Comparison = ReturnType<typeof compareDocuments>

/**
 * Compares each figure of two runs. The runs are independent, so variances add; p-values are corrected for the number of
 * figures (Holm), and so are the intervals of the differences.
 */
export function compareDocuments(before: ProfileDocument, after: ProfileDocument) {
  const [old, now] = [figuresOf(before), figuresOf(after)]
  const pairs = now.flatMap(([id, other]) => {
    const match = old.find(([name]) => name === id)
    if (match === undefined) return []
    const [, one] = match
    return { id, one, other, error: Math.hypot(errorOf(one), errorOf(other)), change: other.estimate - one.estimate }
  })
  const ps = holm(pairs.map(({ change, error }) => twoSidedP(change, error)))
  const reach = probit(1 - LEVEL / 2 / Math.max(1, pairs.length))
  const known = new Set(pairs.map(({ id }) => id))
  return {
    kind: 'batchconn-profile-comparison' as const,
    schemaVersion: 2,
    comparisons: pairs.length,
    verdicts: pairs.map(({ id, one, other, error, change }, index) => ({
      id,
      before: one.estimate,
      after: other.estimate,
      difference: { estimate: change, low: change - reach * error, high: change + reach * error },
      p: ps[index],
      verdict: ps[index] >= LEVEL ? 'not significant' : change < 0 ? 'faster' : 'slower',
    })),
    unmatched: [...old, ...now].map(([id]) => id).filter((id) => !known.has(id)),
    warnings: warnings(before, after),
  }
}

/** Returns a comparison as text, significant differences first. */
export function comparisonText({ verdicts, comparisons, unmatched, warnings }: Comparison): string {
  const rank = ({ verdict }: (typeof verdicts)[number]) => (verdict === 'not significant' ? 1 : 0)
  const rows = [...verdicts]
    .sort((one, other) => rank(one) - rank(other))
    .map(({ id, before, after, difference: { estimate, low, high }, verdict }) => {
      return [id, ns(before), ns(after), ns(estimate), `[${ns(low)}, ${ns(high)}]`, verdict]
    })
  return [
    `${comparisons} figures in nanoseconds; intervals and verdicts are valid for all of them together (95 %, Holm)`,
    table([['', 'before', 'after', 'difference', 'interval', 'verdict'], ...rows]),
    ...(unmatched.length === 0 ? [] : [`Only in one of the documents: ${unmatched.join('; ')}`]),
    ...warnings.map((text) => `note: ${text}`),
  ].join('\n')
}

/** Returns the standard error, at least 0.1 % of the estimate: medians of few rounds can be equal by chance. */
function errorOf({ standardError, estimate }: Interval): number {
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
  for (const [name, { reliability }] of Object.entries({ before, after })) {
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

/** Returns all figures of a document by names that two runs share: nanoseconds, less is faster. */
function figuresOf({ breakdowns, lines, encoders, crossings }: ProfileDocument): (readonly [string, Interval])[] {
  return [
    ...breakdowns.flatMap((breakdown) => {
      const name = `${breakdownName(breakdown)}, batch of ${breakdown.batch}`
      const components = breakdown.components.map(
        ({ label, nanoseconds }) => [`${name}: ${label}`, nanoseconds] as const,
      )
      return [[`${name}: whole`, breakdown.whole] as const, ...components]
    }),
    ...lines.flatMap(({ name, a, b }) => [
      [`line ${name}: a, per call`, a] as const,
      [`line ${name}: b, per message`, b] as const,
    ]),
    ...encoders.flatMap(({ name, points }) =>
      points.map(({ batch, alone }) => [`encoder ${name}, batch of ${batch}`, alone] as const),
    ),
    ...crossings.map(({ by, function: name, nanoseconds }) => [`crossing ${by} as ${name}`, nanoseconds] as const),
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

const LEVEL = 0.05
const SMALLEST_ERROR = 0.001
