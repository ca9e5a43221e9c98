import { getHeapStatistics } from 'node:v8'
import { median } from 'simple-statistics'
import type { ClockCosts, Meters } from './meters.js'

/** Something that can be repeated and measured. */
export interface Operation {
  /** Maximum number at a time: a receive is limited by the socket's buffer. Default: unlimited. */
  readonly mostAtOnce?: number
  /** Prepares what the next `count` operations need; not measured. */
  ready?(count: number): void
  /** Does `count` operations. @returns how many messages were not sent or received */
  run(count: number): number
}

/** What a number of operations in succession took. */
export interface Sample {
  readonly operations: number
  /** Per operation: by the wall clock, or if the sample was interrupted, as long as the thread was running. */
  readonly nanoseconds: number
  /** Per operation, by the wall clock. */
  readonly wallNanoseconds: number
  /** Per operation, as long as the thread was running. */
  readonly runningNanoseconds: number
  /** The kernel ran another thread meanwhile. The sample is shown, and counts only if the round has no other. */
  readonly interrupted: boolean
  /** Garbage collections during the sample, and their duration. They count: they are part of what is measured. */
  readonly collections: number
  readonly collectionNanoseconds: number
  /** Messages that were not sent or received. Such a sample does not count. */
  readonly shortMessages: number
  readonly userMicroseconds: number
  readonly systemMicroseconds: number
}

/**
 * Measures `count` operations together: a single one is shorter than reading the clock.
 *
 * @param warmCount - operations before, not measured: they load caches and branch predictors again
 * @param costs - what the clocks show for reading them, which is subtracted
 */
export async function takeSample(
  operation: Operation,
  count: number,
  warmCount: number,
  meters: Meters,
  costs: ClockCosts,
): Promise<Sample> {
  const { mostAtOnce = Number.POSITIVE_INFINITY } = operation
  const operations = Math.min(count, mostAtOnce)
  const warm = Math.min(warmCount, mostAtOnce)
  if (warm > 0) {
    operation.ready?.(warm)
    operation.run(warm)
  }
  operation.ready?.(operations)
  await meters.collections()
  const before = meters.usage()
  const runningBefore = meters.running()
  const start = meters.now()
  const shortMessages = operation.run(operations)
  const elapsed = Number(meters.now() - start)
  const running = Number(meters.running() - runningBefore)
  const after = meters.usage()
  const { count: collections, nanoseconds: collectionNanoseconds } = await meters.collections()
  const interrupted = after.involuntaryContextSwitches > before.involuntaryContextSwitches
  const each = (nanoseconds: number) => (operations === 0 ? 0 : Math.max(0, nanoseconds) / operations)
  const wallNanoseconds = each(elapsed - costs.wallNanoseconds)
  const runningNanoseconds = each(running - costs.runningNanoseconds)
  return {
    operations,
    nanoseconds: interrupted ? runningNanoseconds : wallNanoseconds,
    wallNanoseconds,
    runningNanoseconds,
    interrupted,
    collections,
    collectionNanoseconds,
    shortMessages,
    userMicroseconds: after.userCPUTime - before.userCPUTime,
    systemMicroseconds: after.systemCPUTime - before.systemCPUTime,
  }
}

/** Memory that an operation allocates, in bytes. */
export interface HeapGrowth {
  readonly heapBytes: number
  /** Memory outside the heap: the contents of ArrayBuffers. */
  readonly externalBytes: number
}

/**
 * Measures the memory that an operation allocates. A garbage collection meanwhile hides some: such rounds show a shrinking heap
 * and are left out, so they are short.
 */
export function heapGrowth(operation: Operation, count: number): HeapGrowth {
  for (let round = 0; round < WARM_ROUNDS; round += 1) growth(operation, count)
  // Reading the statistics allocates, too.
  const reading = growth(operation, 0)
  const { heapBytes, externalBytes } = growth(operation, count)
  return {
    heapBytes: Math.max(0, heapBytes - reading.heapBytes) / count,
    externalBytes: Math.max(0, externalBytes - reading.externalBytes) / count,
  }
}

function growth(operation: Operation, count: number): HeapGrowth {
  const rounds = Array.from({ length: HEAP_ROUNDS }, () => {
    const before = getHeapStatistics()
    operation.run(count)
    const after = getHeapStatistics()
    return {
      heapBytes: after.used_heap_size - before.used_heap_size,
      externalBytes: after.external_memory - before.external_memory,
    }
  }).filter(({ heapBytes, externalBytes }) => heapBytes >= 0 && externalBytes >= 0)
  if (rounds.length === 0) return { heapBytes: Number.NaN, externalBytes: Number.NaN }
  return {
    heapBytes: median(rounds.map(({ heapBytes }) => heapBytes)),
    externalBytes: median(rounds.map(({ externalBytes }) => externalBytes)),
  }
}

const WARM_ROUNDS = 3
const HEAP_ROUNDS = 31
