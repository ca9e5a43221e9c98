import { probit } from 'simple-statistics'
import { parseJson } from '../cli/files.js'
import { Failure } from '../cli/run-command.js'
import { table } from '../report/format.js'
import { holm, type Interval, twoSidedP } from '../stats/interval.js'
import { breakdownName } from './analysis/breakdown.js'
import { nanoseconds as ns } from './report/charts.js'
import { PROFILE_SCHEMA_VERSION, type ProfileDocument } from './report/document.js'

/** docs/profile-json.md describes each key. */
type Comparison = ReturnType<typeof compareDocuments>

/**
 * Compares each figure of two runs. The runs are independent, so variances add; p-values are corrected for the number of
 * figures (Holm), and so are the intervals of the differences.
 */
export function compareDocuments(before: ProfileDocument, after: ProfileDocument) {
  const [old, now] = [figuresOf(before), figuresOf(after)]
  const pairs = [...now].flatMap(([id, other]) => {
    const one = old.get(id)
    if (one === undefined) return []
    return [{ id, one, other, error: Math.hypot(errorOf(one), errorOf(other)), change: other.estimate - one.estimate }]
  })
  const ps = holm(pairs.map(({ change, error }) => twoSidedP(change, error)))
  const reach = probit(1 - LEVEL / 2 / Math.max(1, pairs.length))
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
    unmatched: [...old.keys(), ...now.keys()].filter((id) => !(old.has(id) && now.has(id))),
    warnings: warnings(before, after),
  }
}

/** Returns a comparison as text, significant differences first. */
export function comparisonText({ verdicts, comparisons, unmatched, warnings }: Comparison): string {
  const isSignificant = ({ verdict }: (typeof verdicts)[number]) => verdict !== 'not significant'
  const sorted = [...verdicts.filter(isSignificant), ...verdicts.filter((one) => !isSignificant(one))]
  const rows = sorted.map(({ id, before, after, difference: { estimate, low, high }, verdict }) => {
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
  const conditions = ({ machine: { kernel, cpu, cores, node, koffi }, target, subject }: ProfileDocument) => {
    return { kernel, cpu, cores, node, koffi, target: target.name, 'payload bytes': subject.sizeBytes }
  }
  const now = Object.values(conditions(after))
  return [
    ...Object.entries(conditions(before)).flatMap(([what, value], index) =>
      value === now[index] ? [] : [`${what}: ${value} before, ${now[index]} after`],
    ),
    ...Object.entries({ before, after }).flatMap(
      ([
        name,
        {
          reliability: { isReliable, failures },
        },
      ]) => (isReliable ? [] : [`the run ${name} is not reliable: ${failures.join('; ')}`]),
    ),
    'intervals contain the variation within each run, not the variation between runs (clock frequency, other programs, ' +
      'other machines on the host): measure before, after, and before again to see it',
  ]
}

/** Returns all figures of a document by names that two runs share: nanoseconds, less is faster. */
function figuresOf({ breakdowns, lines, encoders, crossings }: ProfileDocument): Map<string, Interval> {
  const figures = new Map<string, Interval>()
  for (const breakdown of breakdowns) {
    const name = `${breakdownName(breakdown)}, batch of ${breakdown.batch}`
    figures.set(`${name}: whole`, breakdown.whole)
    for (const { label, nanoseconds } of breakdown.components) figures.set(`${name}: ${label}`, nanoseconds)
  }
  for (const { name, a, b } of lines) {
    figures.set(`line ${name}: a, per call`, a).set(`line ${name}: b, per message`, b)
  }
  for (const { name, points } of encoders) {
    for (const { batch, alone } of points) figures.set(`encoder ${name}, batch of ${batch}`, alone)
  }
  for (const { by, function: name, nanoseconds } of crossings) figures.set(`crossing ${by} as ${name}`, nanoseconds)
  return figures
}

/** Parses a document. @throws Failure if the text is not a profile, or of another version */
export function parseDocument(name: string, text: string): ProfileDocument {
  const value = parseJson(name, text) as Partial<ProfileDocument> | null
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
