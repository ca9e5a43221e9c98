import { PerformanceObserver } from 'node:perf_hooks'
import { median } from 'simple-statistics'
import { Arena, koffi } from '../library.js'
import type { ClockCosts, Meters } from './block.js'

/** The clocks and accounts of this process. */
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
      // Entries are queued after the collection, by a task of their own.
      await new Promise<void>((resolve) => setImmediate(resolve))
      note(observer.takeRecords())
      const since = { count, nanoseconds: Math.round(nanoseconds) }
      count = 0
      nanoseconds = 0
      return since
    },
  }
}

/** What an empty block shows: the wall clock's own reading, and both clocks as the thread's clock sees them. */
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

// Node tells the processor time of the process, its helper threads included; this is that of the one thread.
function threadClock(): () => bigint {
  const gettime = koffi().load(null).func('int clock_gettime(int, uintptr_t)')
  const arena = new Arena({ time: 16 })
  const { address, offset } = arena.slabs.time
  return () => {
    gettime(CLOCK_THREAD_CPUTIME_ID, address)
    return arena.view.getBigInt64(offset, true) * 1_000_000_000n + arena.view.getBigInt64(offset + 8, true)
  }
}

const CLOCK_THREAD_CPUTIME_ID = 3
const WARM_READS = 2000
const READS = 501
