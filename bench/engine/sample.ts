import { PerformanceObserver } from 'node:perf_hooks'
import { getHeapStatistics } from 'node:v8'
import { median } from 'simple-statistics'
import { Arena, koffi } from '../../src/internal.js'

export interface Meters {
  now(): bigint
  /** Running time of this thread. */
  running(): bigint
  usage(): { userCPUTime: number; systemCPUTime: number; involuntaryContextSwitches: number }
  /** Garbage collections since the last call. */
  collections(): Promise<{ count: number; nanoseconds: number }>
}

/** What an empty sample would show. */
export interface ClockCosts {
  readonly wallNanoseconds: number
  readonly runningNanoseconds: number
}

export function processMeters(): Meters {
  let count = 0
  let nanoseconds = 0
  const note = (entries: readonly { duration: number }[]) => {
    for (const { duration } of entries) {
      count += 1
      nanoseconds += duration * 1e6
    }
  }
  const observer = new PerformanceObserver((list) => note(list.getEntries()))
  observer.observe({ entryTypes: ['gc'] })
  return {
    now: () => process.hrtime.bigint(),
    running: threadClock(),
    usage: () => process.resourceUsage(),
    collections: async () => {
      // Node queues an entry after the collection, in a task of its own.
      await new Promise<void>((resolve) => setImmediate(resolve))
      note(observer.takeRecords())
      const since = { count, nanoseconds: Math.round(nanoseconds) }
      count = 0
      nanoseconds = 0
      return since
    },
  }
}

/** Measures what an empty sample shows: one reading of the wall clock, and both clocks in the thread's running time. */
export function clockCosts(meters: Pick<Meters, 'now' | 'running'>): ClockCosts {
  const read = () => {
    const running = meters.running()
    const start = meters.now()
    const wall = Number(meters.now() - start)
    return { wall, running: Number(meters.running() - running) }
  }
  for (let turn = 0; turn < WARM_READS; turn += 1) read()
  const reads = Array.from({ length: READS }, read)
  const middle = (key: keyof (typeof reads)[number]) => median(reads.map((one) => one[key]))
  return { wallNanoseconds: middle('wall'), runningNanoseconds: middle('running') }
}

// Node reports the processor time of the process, helper threads included; this clock is that of the thread.
function threadClock(): () => bigint {
  const gettime = koffi().load(null).func('int clock_gettime(int, uintptr_t)')
  const arena = new Arena({ time: 16 })
  const { address, offset } = arena.slabs.time
  return () => {
    gettime(CLOCK_THREAD_CPUTIME_ID, address)
    return arena.view.getBigInt64(offset, true) * 1_000_000_000n + arena.view.getBigInt64(offset + 8, true)
  }
}

/**
 * Real-time scheduling for the duration of a sample, so that ordinary programs do not interrupt it. The kernel reserves some
 * time for them.
 *
 * @returns undefined where it is not permitted
 */
export function realTime(): { enter(): void; leave(): void } | undefined {
  const setScheduler = koffi().load(null).func('int sched_setscheduler(int, int, uintptr_t)')
  const arena = new Arena({ parameters: 4 })
  const { address, offset } = arena.slabs.parameters
  const set = (policy: number, priority: number): boolean => {
    arena.view.setInt32(offset, priority, true)
    return setScheduler(0, policy, address) === 0
  }
  if (!set(SCHED_FIFO, 1)) return undefined
  set(SCHED_OTHER, 0)
  return { enter: () => set(SCHED_FIFO, 1), leave: () => set(SCHED_OTHER, 0) }
}

const CLOCK_THREAD_CPUTIME_ID = 3
const SCHED_OTHER = 0
const SCHED_FIFO = 1
const WARM_READS = 2000
const READS = 501

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

export type HeapGrowth = ReturnType<typeof growth>

/**
 * Measures the memory that an operation allocates. A garbage collection meanwhile hides some: such rounds show a shrinking heap
 * and are left out, so they are short.
 */
export function heapGrowth(operation: Operation, count: number): HeapGrowth {
  for (let round = 0; round < WARM_ROUNDS; round += 1) growth(operation, count)
  // Reading the statistics allocates, too.
  const reading = growth(operation, 0)
  const whole = growth(operation, count)
  const each = (key: keyof HeapGrowth) => Math.max(0, whole[key] - reading[key]) / count
  return { heapBytes: each('heapBytes'), externalBytes: each('externalBytes') }
}

/** `externalBytes` is memory outside the heap: the contents of ArrayBuffers. */
function growth(operation: Operation, count: number) {
  const rounds = Array.from({ length: HEAP_ROUNDS }, () => {
    const before = getHeapStatistics()
    operation.run(count)
    const after = getHeapStatistics()
    return {
      heapBytes: after.used_heap_size - before.used_heap_size,
      externalBytes: after.external_memory - before.external_memory,
    }
  }).filter(({ heapBytes, externalBytes }) => heapBytes >= 0 && externalBytes >= 0)
  const middle = (key: 'heapBytes' | 'externalBytes') =>
    rounds.length === 0 ? Number.NaN : median(rounds.map((one) => one[key]))
  return { heapBytes: middle('heapBytes'), externalBytes: middle('externalBytes') }
}

const WARM_ROUNDS = 3
const HEAP_ROUNDS = 31
