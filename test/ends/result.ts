import type { MemorySamples } from '../support/programs/ends-jobs.js'
import type { Case } from './cases.js'

/** Result of one case with one Node version. */
export interface Result {
  readonly case: Case
  /** Number of ends; fewer than requested if the case was stopped early. */
  readonly times: number
  /** Each problem with the number of times it occurred; empty if everything is as expected. */
  readonly problems: Readonly<Record<string, number>>
  /** Reason why the case was not run. */
  readonly skipped?: string
  /** Memory samples; workers only. */
  readonly memory?: MemorySamples
}

/** True if the case ran and showed no problem. */
export function hasPassed(result: Result): boolean {
  return result.skipped === undefined && Object.keys(result.problems).length === 0
}

/** Counts problems. */
export class Problems {
  readonly #counts = new Map<string, number>()

  add(text: string, count = 1): void {
    this.#counts.set(text, (this.#counts.get(text) ?? 0) + count)
  }

  get total(): number {
    let total = 0
    for (const count of this.#counts.values()) total += count
    return total
  }

  toRecord(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts)
  }
}
