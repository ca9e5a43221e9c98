import type { Case } from '../plan/case.js'
import type { Block } from '../process/block.js'

/** A measured block, boiled down. */
export interface Sample {
  readonly round: number
  /** For one operation: by the wall clock, or, if the block was interrupted, as long as the thread was running. */
  readonly nanoseconds: number
  /** For one operation, by the wall clock whatever happened, and as long as the thread was running. */
  readonly wallNanoseconds: number
  readonly runningNanoseconds: number
  readonly operations: number
  /** The kernel gave the processor to somebody else meanwhile. It is shown, and counts only for want of better. */
  readonly interrupted: boolean
  /** Garbage collections that fell into it. They count: they belong to what is measured. */
  readonly collections: number
  readonly collectionNanoseconds: number
  /** Messages that were not taken: such a block measured something else, and does not count. */
  readonly shortMessages: number
  readonly userMicroseconds: number
  readonly systemMicroseconds: number
}

/** A case and what was measured of it. */
export interface Series {
  readonly case: Case
  readonly samples: Sample[]
}

export function toSample(round: number, block: Block): Sample {
  const interrupted = block.interruptions > 0
  return {
    round,
    nanoseconds: (interrupted ? block.runningNanoseconds : block.nanoseconds) / block.operations,
    wallNanoseconds: block.nanoseconds / block.operations,
    runningNanoseconds: block.runningNanoseconds / block.operations,
    operations: block.operations,
    interrupted,
    collections: block.collections,
    collectionNanoseconds: block.collectionNanoseconds,
    shortMessages: block.shortMessages,
    userMicroseconds: block.userMicroseconds,
    systemMicroseconds: block.systemMicroseconds,
  }
}

/** True for a block that nothing spoilt. */
export function isClean({ interrupted, shortMessages }: Sample): boolean {
  return !interrupted && shortMessages === 0
}

/**
 * The block that stands for a round: the clean one, else the interrupted one that ran shortest, as what interrupts leaves
 * cold caches behind.
 */
export function representative(samples: readonly Sample[]): Sample | undefined {
  const complete = samples.filter(({ shortMessages }) => shortMessages === 0)
  const shortest = (one: Sample, other: Sample) => (other.nanoseconds < one.nanoseconds ? other : one)
  return complete.find(isClean) ?? (complete.length === 0 ? undefined : complete.reduce(shortest))
}
