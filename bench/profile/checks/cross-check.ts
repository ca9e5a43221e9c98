import { median, sum } from 'simple-statistics'
import { isClean, type Series } from '../../engine/case.js'
import type { Sample } from '../../engine/sample.js'
import type { WorkerPool } from '../../engine/worker-pool.js'
import { percent } from '../../report/format.js'
import { type Breakdown, breakdownName, shareOf, USER_COMPONENTS } from '../analysis/breakdown.js'
import { callId, type Subject, type Work } from '../cases/cases.js'
import { agreement, countSystemCalls, type Finding, sampleSymbols, unavailable } from './tools.js'

/** A comparison of a figure with an independent source. */
export interface CrossCheck extends Finding {
  readonly name: string
  /** The source: `strace -c`, `perf record`, `getrusage`, `clock_gettime`. */
  readonly by: string
}

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
    const { mode, connected, batch } = breakdown
    const [first] = series.filter(({ case: one }) => one.id === callId(breakdown, 'library', subject))
    if (!mode.startsWith('send') || first === undefined || first.samples.length === 0) continue
    const name = breakdownName(breakdown)
    const add = (what: string, by: string, finding: Finding) =>
      checks.push({ name: `${what} of ${name}`, by, ...finding })
    if (!hasTime()) {
      add('the time', 'getrusage, strace, perf', unavailable('the budget was used up'))
      continue
    }
    const operations = Math.max(...first.samples.map((sample) => sample.operations))
    const long: Sample[] = []
    for (let turn = 0; turn < LONG_SAMPLES; turn += 1) {
      long.push(await pool.sample(first.case, operations * LONG_FACTOR, operations))
    }
    add('user and system time', 'getrusage', compareUsage(long, breakdown))
    if (connected) continue
    add('system calls', 'strace -c', await countSystemCalls(first.case, batch, mode, pool))
    add('kernel functions', 'perf record', await sampleSymbols(first.case, pool, operations, breakdown))
  }
  const clean = series.flatMap(({ samples }) => samples.filter(isClean))
  if (clean.length === 0) return
  const share = median(clean.map((sample) => sample.wallNanoseconds / sample.runningNanoseconds)) - 1
  const text = `samples without interruption took ${percent(share)} longer by the wall clock than their thread was running`
  const finding = agreement(Math.abs(share) < TOLERANCE, text)
  checks.push({ name: 'wall clock and thread clock', by: 'clock_gettime', ...finding })
}

/**
 * Compares the kernel's share of the time, as getrusage(2) reports it, with the breakdown's.
 *
 * @param samples - long ones: in a sample shorter than a clock tick the split is extrapolated from the process's past
 */
function compareUsage(samples: readonly Sample[], breakdown: Breakdown): Finding {
  const user = sum(samples.map((one) => one.userMicroseconds))
  const system = sum(samples.map((one) => one.systemMicroseconds))
  if (user + system === 0) return unavailable('the kernel reported no processor time')
  const share = system / (user + system)
  const expected = 1 - shareOf(breakdown, USER_COMPONENTS)
  // The kernel attributes each clock tick to where it finds the process: a binomial sample.
  const ticks = (user + system) / TICK_MICROSECONDS
  const uncertainty = 2 * Math.sqrt((expected * (1 - expected)) / Math.max(1, ticks)) + TOLERANCE
  const text =
    `getrusage reports ${percent(share)} of the time in the kernel, the cost breakdown ${percent(expected)}; ` +
    `the kernel counts clock ticks, so ±${percent(uncertainty)}`
  return agreement(Math.abs(share - expected) <= uncertainty, text)
}

const LONG_SAMPLES = 4
/** How much longer than an ordinary sample. */
const LONG_FACTOR = 60
const TICK_MICROSECONDS = 4000
const TOLERANCE = 0.02
