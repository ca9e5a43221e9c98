import { setPriority } from 'node:os'
import { PerformanceObserver } from 'node:perf_hooks'
import { getHeapStatistics } from 'node:v8'
import { median, sum } from 'simple-statistics'
import { koffi } from '../../src/internal.js'
import { exitWithParent, sendToParent } from '../children/child.js'

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

export interface Meters {
  now(): bigint
  /** Running time of this thread. */
  running(): bigint
  usage(): Pick<NodeJS.ResourceUsage, 'userCPUTime' | 'systemCPUTime' | 'involuntaryContextSwitches'>
  /** Garbage collections since the last call. */
  collections(): Promise<Pick<Sample, 'collections' | 'collectionNanoseconds'>>
}

/** What an empty sample would show. */
type ClockCosts = Pick<Sample, 'wallNanoseconds' | 'runningNanoseconds'>

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
    ...(await meters.collections()),
    shortMessages,
    userMicroseconds: after.userCPUTime - before.userCPUTime,
    systemMicroseconds: after.systemCPUTime - before.systemCPUTime,
  }
}

function processMeters(): Meters {
  let found: { readonly duration: number }[] = []
  const observer = new PerformanceObserver((list) => found.push(...list.getEntries()))
  observer.observe({ entryTypes: ['gc'] })
  // Node reports the processor time of the process, helper threads included; this clock is that of the thread.
  const gettime = koffi().load(null).func('int clock_gettime(int, void *)')
  const time = new BigInt64Array(2)
  return {
    now: () => process.hrtime.bigint(),
    running: () => {
      gettime(CLOCK_THREAD_CPUTIME_ID, time)
      return time[0] * 1_000_000_000n + time[1]
    },
    usage: () => process.resourceUsage(),
    collections: async () => {
      // Node queues an entry after the collection, in a task of its own.
      await new Promise<void>((resolve) => setImmediate(resolve))
      const all = [...found, ...observer.takeRecords()]
      found = []
      const milliseconds = sum(all.map(({ duration }) => duration))
      return { collections: all.length, collectionNanoseconds: Math.round(milliseconds * 1e6) }
    },
  }
}

/** Measures what an empty sample shows: one reading of the wall clock, and both clocks in the thread's running time. */
export function clockCosts(meters: Pick<Meters, 'now' | 'running'>): ClockCosts {
  const read = () => {
    const running = meters.running()
    const start = meters.now()
    const wallNanoseconds = Number(meters.now() - start)
    return { wallNanoseconds, runningNanoseconds: Number(meters.running() - running) }
  }
  // The first ones run code that is not compiled yet.
  const reads = Array.from({ length: 2501 }, read).slice(2000)
  const middle = (key: keyof ClockCosts) => median(reads.map((one) => one[key]))
  return { wallNanoseconds: middle('wallNanoseconds'), runningNanoseconds: middle('runningNanoseconds') }
}

/** Raises this process's priority, so that other programs interrupt fewer samples. Only root may. */
export function raisePriority(): void {
  try {
    setPriority(-20)
  } catch {
    // Samples are interrupted then, and marked.
  }
}

/**
 * Real-time scheduling for the duration of a sample, so that ordinary programs do not interrupt it. The kernel reserves some
 * time for them.
 *
 * @returns undefined where it is not permitted
 */
function realTime(): { enter(): void; leave(): void } | undefined {
  const setScheduler = koffi().load(null).func('int sched_setscheduler(int, int, void *)')
  const set = (policy: number, priority: number) => setScheduler(0, policy, new Int32Array([priority])) === 0
  const both = { enter: () => set(SCHED_FIFO, 1), leave: () => set(SCHED_OTHER, 0) }
  if (!both.enter()) return undefined
  both.leave()
  return both
}

/** Bytes per operation; `externalBytes` are outside the heap: the contents of ArrayBuffers. NaN if unknown. */
export interface HeapGrowth {
  readonly heapBytes: number
  readonly externalBytes: number
}

/**
 * Measures the memory that an operation allocates. A garbage collection meanwhile hides some: such rounds show a shrinking heap
 * and are left out, so they are short.
 */
function heapGrowth(operation: Operation, count: number): HeapGrowth {
  const growth = (operations: number): HeapGrowth => {
    const rounds = Array.from({ length: HEAP_ROUNDS }, () => {
      const before = getHeapStatistics()
      operation.run(operations)
      const after = getHeapStatistics()
      return [after.used_heap_size - before.used_heap_size, after.external_memory - before.external_memory]
    }).filter((both) => both.every((bytes) => bytes >= 0))
    const middle = (at: number) => (rounds.length === 0 ? Number.NaN : median(rounds.map((both) => both[at])))
    return { heapBytes: middle(0), externalBytes: middle(1) }
  }
  for (let turn = 0; turn < WARM_ROUNDS; turn += 1) growth(count)
  // Reading the statistics allocates, too.
  const reading = growth(0)
  const whole = growth(count)
  const each = (key: keyof HeapGrowth) => Math.max(0, whole[key] - reading[key]) / count
  return { heapBytes: each('heapBytes'), externalBytes: each('externalBytes') }
}

const CLOCK_THREAD_CPUTIME_ID = 3
const SCHED_OTHER = 0
const SCHED_FIFO = 1
const WARM_ROUNDS = 3
const HEAP_ROUNDS = 31

export type Order<Work> = Readonly<{ do: 'sample' | 'heap'; work: Work; operations: number; warmOperations: number }>

export interface Hello {
  readonly costs: ClockCosts
  readonly isRealTime: boolean
}

/** A worker process's answer; `unable` is the reason why it cannot do the work. */
export type Answer<Found> = { readonly found?: Found; readonly unable?: string }

/**
 * Runs a worker process. It does one kind of work only, because what V8's compiler learns about one case would change the next,
 * and stays warm between samples.
 *
 * @param open - prepares the work of a request
 */
export function serve<Work>(open: (work: Work) => Operation, wantsRealTime: boolean): void {
  exitWithParent()
  const opened = new Map<string, Operation>()
  const meters = processMeters()
  raisePriority()
  const scheduling = wantsRealTime ? realTime() : undefined
  const costs = clockCosts(meters)
  const answer = async (order: Order<Work>): Promise<Answer<Sample | HeapGrowth>> => {
    const { work, operations, warmOperations } = order
    const key = JSON.stringify(work)
    const operation = opened.get(key) ?? open(work)
    opened.set(key, operation)
    if (order.do === 'heap') return { found: heapGrowth(operation, operations) }
    scheduling?.enter()
    try {
      return { found: await takeSample(operation, operations, warmOperations, meters, costs) }
    } finally {
      scheduling?.leave()
    }
  }
  process.on('message', (order: Order<Work>) => {
    answer(order)
      .catch((error: Error): Answer<never> => ({ unable: error.message.split('\n', 1)[0] }))
      .then(sendToParent)
  })
  sendToParent({ costs, isRealTime: scheduling !== undefined } satisfies Hello)
}
