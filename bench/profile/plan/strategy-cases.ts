import type { Case, Subject } from './case.js'

export function strategyId(strategy: string, batch: number, withCall: boolean): string {
  return `strategy/${strategy}/${withCall ? 'with-call' : 'alone'}/${batch}`
}

/** Each strategy on each batch size, alone and together with the system call. */
export function strategyCases(subject: Subject, strategies: readonly string[]): Case[] {
  return strategies.flatMap((strategy) =>
    [false, true].flatMap((withCall) =>
      subject.batches.map(
        (batch): Case => ({
          id: strategyId(strategy, batch, withCall),
          worker: strategyWorker(strategy, batch === subject.batch ? `${batch}/${withCall}` : 'others'),
          place: 'main',
          work: { kind: 'strategy', strategy, batch, sizeBytes: subject.sizeBytes, withCall },
          every: batch === subject.batch ? 1 : SELDOM,
        }),
      ),
    ),
  )
}

// V8 compiles for what it has seen: with batches of many sizes in one process, filling the library's takes 10 ns instead
// of 6. The size that the verdicts are about has a process to itself, alone and with the call; the others share one.
function strategyWorker(strategy: string, part: string): string {
  return `strategy/${strategy}/${part}`
}

// The batch size of the ladder is what the verdicts are about; the others show the trend.
const SELDOM = 3
