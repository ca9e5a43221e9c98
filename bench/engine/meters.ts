import { PerformanceObserver } from 'node:perf_hooks'
import { median } from 'simple-statistics'
import { Arena, koffi } from '../../src/internal.js'

/** The clocks and counters of a sample. */
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

/** Returns the clocks and counters of this process. */
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
  return {
    wallNanoseconds: median(reads.map(({ wall }) => wall)),
    runningNanoseconds: median(reads.map(({ running }) => running)),
  }
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

/** Switches this thread to real-time scheduling, and back. */
export interface Scheduling {
  enter(): void
  leave(): void
}

/**
 * Real-time scheduling for the duration of a sample, so that ordinary programs do not interrupt it. The kernel reserves some
 * time for them.
 *
 * @returns undefined where it is not permitted
 */
export function realTime(): Scheduling | undefined {
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
