import { median } from 'simple-statistics'
import { isClean, type Series } from '../../engine/case.js'
import type { Sample } from '../../engine/sample.js'
import type { WorkerPool } from '../../engine/worker-pool.js'
import { percent } from '../../report/format.js'
import { type Breakdown, breakdownName, sharesOf, USER_COMPONENTS } from '../analysis/breakdown.js'
import { sendId } from '../cases/cases.js'
import type { Subject, Work } from '../cases/work.js'
import { type CrossCheck, countSystemCalls, sampleSymbols } from './tools.js'

/** Compares the breakdowns of sends with independent sources, as long as `hasTime` returns true. Adds to `checks`. */
export async function crossCheck(
  series: readonly Series<Work>[],
  breakdowns: readonly Breakdown[],
  subject: Subject,
  pool: WorkerPool<Work>,
  hasTime: () => boolean,
  checks: CrossCheck[],
): Promise<void> {
  for (const breakdown of breakdowns) {
    const { mode, connected } = breakdown
    if (mode !== 'sendmsg' && mode !== 'sendmmsg') continue
    const id = sendId(mode, connected, 'library', subject.batch, subject.sizeBytes)
    const first = series.find(({ case: one }) => one.id === id)
    if (first === undefined || first.samples.length === 0) continue
    if (!hasTime()) {
      const name = `the time of ${breakdownName(breakdown)}`
      checks.push({ name, by: 'getrusage, strace, perf', verdict: 'unavailable', text: 'the budget was used up' })
      continue
    }
    const operations = Math.max(...first.samples.map((sample) => sample.operations))
    const long: Sample[] = []
    for (let turn = 0; turn < LONG_SAMPLES; turn += 1) {
      long.push(await pool.sample(first.case, operations * LONG_FACTOR, operations))
    }
    checks.push(compareUsage(long, breakdown))
    if (connected) continue
    checks.push(await countSystemCalls(first.case, pool))
    checks.push(await sampleSymbols(first.case, await pool.pidOf(first.case), pool, operations, breakdown))
  }
  const clean = series.flatMap(({ samples }) => samples.filter(isClean))
  if (clean.length > 0) {
    checks.push(compareClocks(median(clean.map((sample) => sample.wallNanoseconds / sample.runningNanoseconds))))
  }
}

/**
 * Compares the kernel's share of the time, as getrusage(2) reports it, with the breakdown's.
 *
 * @param samples - long ones: in a sample shorter than a clock tick the split is extrapolated from the process's past
 */
function compareUsage(samples: readonly Sample[], breakdown: Breakdown): CrossCheck {
  const [name, by] = [`user and system time of ${breakdownName(breakdown)}`, 'getrusage']
  const user = samples.reduce((sum, one) => sum + one.userMicroseconds, 0)
  const system = samples.reduce((sum, one) => sum + one.systemMicroseconds, 0)
  if (user + system === 0) return { name, by, verdict: 'unavailable', text: 'the kernel reported no processor time' }
  const share = system / (user + system)
  const expected = sharesOf(breakdown, (component) => !USER_COMPONENTS.includes(component))
  // The kernel attributes each clock tick to where it finds the process: a binomial sample.
  const ticks = (user + system) / TICK_MICROSECONDS
  const uncertainty = 2 * Math.sqrt((expected * (1 - expected)) / Math.max(1, ticks)) + TOLERANCE
  const text =
    `getrusage reports ${percent(share)} of the time in the kernel, the cost breakdown ${percent(expected)}; ` +
    `the kernel counts clock ticks, so ±${percent(uncertainty)}`
  return { name, by, verdict: Math.abs(share - expected) <= uncertainty ? 'agrees' : 'disagrees', text }
}

/** Compares the duration of clean samples by the wall clock with the running time of their thread. */
function compareClocks(ratio: number): CrossCheck {
  const share = ratio - 1
  return {
    name: 'wall clock and thread clock',
    by: 'clock_gettime',
    verdict: Math.abs(share) < TOLERANCE ? 'agrees' : 'disagrees',
    text: `samples without interruption took ${percent(share)} longer by the wall clock than their thread was running`,
  }
}

const LONG_SAMPLES = 4
/** How much longer than an ordinary sample. */
const LONG_FACTOR = 60
const TICK_MICROSECONDS = 4000
const TOLERANCE = 0.02
