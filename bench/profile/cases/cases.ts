import { breakdownCases } from './breakdown-cases.js'
import { lineCases } from './line-cases.js'
import type { ProfileCase, Subject } from './work.js'

/** Returns everything that a run measures. */
export function subjectCases(subject: Subject, encoders: readonly string[]): ProfileCase[] {
  return [...breakdownCases(subject), ...lineCases(subject), ...encoderCases(subject, encoders)]
}

/** Returns powers of two from 1 to 1024, for a quick run every third one, and the breakdown's own batch size. */
export function batchSizes(batch: number, isQuick: boolean): number[] {
  const powers = Array.from({ length: 11 }, (_, exponent) => 2 ** exponent)
  const some = isQuick ? powers.filter((_, exponent) => exponent % 3 === 0) : powers
  return [...new Set([...some, batch])].sort((one, other) => one - other)
}

export function encoderId(encoder: string, batch: number, withCall: boolean): string {
  return `encoder/${encoder}/${withCall ? 'with-call' : 'alone'}/${batch}`
}

/**
 * Returns each encoder with each batch size, alone and with the system call. V8 compiles for the batch sizes that it has seen:
 * in a process with several, the library's encoder takes 10 ns per message instead of 6. So the breakdown's batch size has
 * processes of its own, and the others share one.
 */
function encoderCases(subject: Subject, encoders: readonly string[]): ProfileCase[] {
  const { batch: own, batches, sizeBytes } = subject
  return encoders.flatMap((encoder) =>
    [false, true].flatMap((withCall) =>
      batches.map(
        (batch): ProfileCase => ({
          id: encoderId(encoder, batch, withCall),
          worker: `encoder/${encoder}/${batch === own ? `${batch}/${withCall}` : 'others'}`,
          target: 'main',
          work: { kind: 'encode', encoder, batch, sizeBytes, withCall },
          every: batch === own ? 1 : SELDOM,
        }),
      ),
    ),
  )
}

/** The other batch sizes only show the trend. */
const SELDOM = 3
