import { table } from '../../report/table.js'
import { nanoseconds } from '../report/tables.js'
import type { Comparison, Verdict } from './compare.js'

/** Returns a comparison as text, significant differences first. */
export function comparisonText({ verdicts, comparisons, unmatched, warnings }: Comparison): string {
  const rank = ({ verdict }: Verdict) => (verdict === 'not significant' ? 1 : 0)
  const rows = [...verdicts]
    .sort((one, other) => rank(one) - rank(other))
    .map(({ id, before, after, difference, verdict }) => [
      id,
      nanoseconds(before),
      nanoseconds(after),
      nanoseconds(difference.estimate),
      `[${nanoseconds(difference.low)}, ${nanoseconds(difference.high)}]`,
      verdict,
    ])
  return [
    `${comparisons} figures in nanoseconds; intervals and verdicts are valid for all of them together (95 %, Holm)`,
    table([['', 'before', 'after', 'difference', 'interval', 'verdict'], ...rows]),
    ...(unmatched.length === 0 ? [] : [`Only in one of the documents: ${unmatched.join('; ')}`]),
    ...warnings.map((text) => `note: ${text}`),
  ].join('\n')
}
