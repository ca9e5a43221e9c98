import { type Random, shuffled } from '../stats/random.js'

/** How to interleave rounds. */
export interface RoundsPlan<T> {
  /** The items of a round; the first round is 1. */
  readonly itemsOf: (round: number) => readonly T[]
  /** Called before each round with the number of complete rounds. */
  readonly isOver: (rounds: number) => boolean
  readonly random: Random
  readonly signal: AbortSignal
}

/** How the rounds ended. */
export interface RoundsEnd {
  /** Number of complete rounds. */
  readonly rounds: number
  /** What ended them early: the signal's reason or an error; undefined if all were done. */
  readonly error: unknown
}

/**
 * Runs rounds: each runs every item once, in random order, so that slow drift affects all items equally. An error ends the
 * rounds; it is returned, so that what was measured before is not lost.
 */
export async function interleave<T>(
  { itemsOf, isOver, random, signal }: RoundsPlan<T>,
  run: (item: T, round: number) => Promise<void>,
): Promise<RoundsEnd> {
  let rounds = 0
  try {
    for (; !isOver(rounds); rounds += 1) {
      for (const item of shuffled(itemsOf(rounds + 1), random)) {
        signal.throwIfAborted()
        await run(item, rounds + 1)
      }
    }
    return { rounds, error: undefined }
  } catch (error) {
    return { rounds, error: signal.aborted ? signal.reason : error }
  }
}
