import { median } from 'simple-statistics'
import { isClean, type Series } from '../../engine/case.js'
import type { Sample } from '../../engine/sample.js'
import type { WorkerPool } from '../../engine/worker-pool.js'
import { type Breakdown, breakdownName } from '../analysis/breakdown.js'
import { sendId } from '../cases/breakdown-cases.js'
import type { Subject, Work } from '../cases/work.js'
import type { CrossCheck } from './check.js'
import { sampleSymbols } from './perf.js'
import { countSystemCalls } from './system-calls.js'
import { compareClocks, compareUsage } from './usage.js'

/** Compares the breakdowns of sends with independent sources, as long as `hasTime` returns true. */
export async function crossCheck(
  series: readonly Series<Work>[],
  breakdowns: readonly Breakdown[],
  subject: Subject,
  pool: WorkerPool<Work>,
  hasTime: () => boolean,
): Promise<CrossCheck[]> {
  const checks: CrossCheck[] = []
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
  return checks
}

const LONG_SAMPLES = 4
/** How much longer than an ordinary sample. */
const LONG_FACTOR = 60
