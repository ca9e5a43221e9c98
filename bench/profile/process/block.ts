import type { Operation } from '../work/work.js'

/** What doing an operation some times in a row took. */
export interface Block {
  readonly operations: number
  /** By the clock on the wall, the clock's own cost taken off. */
  readonly nanoseconds: number
  /** How long of it the thread was running, likewise. */
  readonly runningNanoseconds: number
  readonly userMicroseconds: number
  readonly systemMicroseconds: number
  /** How often the kernel took the processor away meanwhile. */
  readonly interruptions: number
  /** How many garbage collections fell into it, and how long they took. */
  readonly collections: number
  readonly collectionNanoseconds: number
  /** Messages the kernel did not take, or had not got. */
  readonly shortMessages: number
}

/** The time and the accounts a block is measured with. */
export interface Meters {
  now(): bigint
  /** How long this thread has been running. */
  running(): bigint
  usage(): { userCPUTime: number; systemCPUTime: number; involuntaryContextSwitches: number }
  /** Garbage collections since the last time it was asked. */
  collections(): Promise<{ count: number; nanoseconds: number }>
}

/** What an empty block would seem to take. */
export interface ClockCosts {
  readonly wallNanoseconds: number
  readonly runningNanoseconds: number
}

/**
 * Does `count` operations and measures them together: a single one is shorter than reading the clock.
 *
 * @param warmCount - operations done first, unmeasured, so that caches and branch predictors know the work again after
 *   another process had the processor
 * @param costs - what the clocks show of their own reading
 */
export async function measureBlock(
  operation: Operation,
  count: number,
  warmCount: number,
  meters: Meters,
  costs: ClockCosts,
): Promise<Block> {
  const operations = Math.min(count, operation.mostAtOnce)
  const warm = Math.min(warmCount, operation.mostAtOnce)
  if (warm > 0) {
    operation.ready(warm)
    operation.run(warm)
  }
  operation.ready(operations)
  await meters.collections()
  const before = meters.usage()
  const runningBefore = meters.running()
  const start = meters.now()
  const shortMessages = operation.run(operations)
  const elapsed = Number(meters.now() - start)
  const running = Number(meters.running() - runningBefore)
  const after = meters.usage()
  const { count: collections, nanoseconds: collectionNanoseconds } = await meters.collections()
  return {
    operations,
    nanoseconds: Math.max(0, elapsed - costs.wallNanoseconds),
    runningNanoseconds: Math.max(0, running - costs.runningNanoseconds),
    userMicroseconds: after.userCPUTime - before.userCPUTime,
    systemMicroseconds: after.systemCPUTime - before.systemCPUTime,
    interruptions: after.involuntaryContextSwitches - before.involuntaryContextSwitches,
    collections,
    collectionNanoseconds,
    shortMessages,
  }
}
