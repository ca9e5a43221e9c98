import type { Case, Subject } from './case.js'
import { ladderCases } from './ladder-cases.js'
import { lineCases } from './line-cases.js'
import { strategyCases } from './strategy-cases.js'

/** Everything that a run measures. */
export function subjectCases(subject: Subject, strategies: readonly string[]): Case[] {
  return [...ladderCases(subject), ...lineCases(subject), ...strategyCases(subject, strategies)]
}

/** Powers of two from 1 to 1024; for a quick look every third one. The ladder's own batch is among them. */
export function batchSizes(batch: number, isQuick: boolean): number[] {
  const powers = Array.from({ length: 11 }, (_, exponent) => 2 ** exponent)
  const some = isQuick ? powers.filter((_, exponent) => exponent % 3 === 0) : powers
  return [...new Set([...some, batch])].sort((one, other) => one - other)
}
