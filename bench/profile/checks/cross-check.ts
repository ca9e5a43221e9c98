import { median } from 'simple-statistics'
import type { Ladder } from '../analysis/ladder.js'
import type { Subject } from '../plan/case.js'
import { replicaId, sendId } from '../plan/ladder-cases.js'
import type { Block } from '../process/block.js'
import type { WorkerPool } from '../process/worker-pool.js'
import { isClean, type Series } from '../schedule/sample.js'
import type { CrossCheck } from './check.js'
import { sampleSymbols } from './perf.js'
import { countSystemCalls } from './strace.js'
import { compareClocks, compareUsage } from './usage.js'

/** Looks at the same from other sides. */
export async function crossCheck(
  series: readonly Series[],
  ladders: readonly Ladder[],
  subject: Subject,
  pool: WorkerPool,
): Promise<CrossCheck[]> {
  const checks: CrossCheck[] = []
  for (const ladder of ladders) {
    const { mode, connected } = ladder
    if (mode !== 'sendmsg' && mode !== 'sendmmsg') continue
    const id = sendId(mode, connected, 'library', subject.batch, subject.sizeBytes)
    const own = series.filter(({ case: one }) => one.id.split('#')[0] === id)
    const first = own.find(({ case: one }) => one.id === replicaId(id, 0))
    if (first === undefined) continue
    const operations = Math.max(...first.samples.map((sample) => sample.operations))
    const blocks: Block[] = []
    for (let turn = 0; turn < LONG_BLOCKS; turn += 1) {
      blocks.push(await pool.block(first.case, operations * LONG_FACTOR, operations))
    }
    checks.push(compareUsage(blocks, ladder))
    if (connected) continue
    checks.push(await countSystemCalls(first.case, pool.planOf(first.case)))
    checks.push(await sampleSymbols(first.case, await pool.pidOf(first.case), pool, operations, ladder))
  }
  const clean = series.flatMap(({ samples }) => samples.filter(isClean))
  if (clean.length > 0) {
    const ratio = median(clean.map((sample) => sample.wallNanoseconds / sample.runningNanoseconds))
    checks.push(compareClocks(ratio, 1))
  }
  return checks
}

const LONG_BLOCKS = 4
/** By how much longer than an ordinary block. */
const LONG_FACTOR = 60
