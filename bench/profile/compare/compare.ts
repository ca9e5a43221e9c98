import { probit } from 'simple-statistics'
import type { ProfileDocument } from '../report/document.js'
import { holm, twoSidedP } from '../statistics/holm.js'
import { type ComparedFigure, figuresOf } from './figures-of.js'

/** What has become of one figure. */
export interface Verdict {
  readonly id: string
  readonly before: number
  readonly after: number
  /** After less before, in nanoseconds, with an interval that holds for all figures together. */
  readonly difference: { readonly estimate: number; readonly low: number; readonly high: number }
  /** Corrected for how many figures are compared. */
  readonly p: number
  readonly verdict: 'faster' | 'slower' | 'cannot tell'
}

export interface Comparison {
  readonly kind: 'batchconn-profile-comparison'
  readonly schemaVersion: 1
  readonly comparisons: number
  readonly verdicts: readonly Verdict[]
  /** Figures that only one of the documents has. */
  readonly unmatched: readonly string[]
  /** What makes the two runs less comparable. */
  readonly warnings: readonly string[]
}

/**
 * Says of each figure whether it has become faster or slower. The runs are independent, so errors add in squares; and
 * no figure differs unless it would even with all others being looked at (Holm).
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
      verdict: ps[index] >= LEVEL ? 'cannot tell' : estimate < 0 ? 'faster' : 'slower',
    }
  })
  const known = new Set(matches.map(({ id }) => id))
  return {
    kind: 'batchconn-profile-comparison',
    schemaVersion: 1,
    comparisons: matches.length,
    verdicts,
    unmatched: [...old, ...now].map(({ id }) => id).filter((id) => !known.has(id)),
    warnings: warnings(before, after),
  }
}

/** What resampling gave, and no less than a quantum: medians of few rounds can come out equal by chance. */
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
  differ('place', before.place.name, after.place.name)
  differ('payload bytes', before.subject.sizeBytes, after.subject.sizeBytes)
  for (const [name, { trust }] of [
    ['before', before],
    ['after', after],
  ] as const) {
    if (!trust.isTrustworthy) found.push(`the run ${name} was not to be trusted: ${trust.failures.join('; ')}`)
  }
  found.push(
    'an interval tells what varied within each run; what differs between runs minutes apart (clock frequency, other ' +
      'programs, neighbours on the host) is not in it: measure before, after, and before again to see it',
  )
  return found
}

function show(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

const LEVEL = 0.05
const SMALLEST_ERROR = 0.001
