import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Case } from '../plan/case.js'
import { type WorkerPlan, WorkerProcess } from '../process/worker-process.js'
import type { CrossCheck } from './check.js'

/** Counts the system calls of some operations from outside the process. */
export async function countSystemCalls(one: Case, plan: WorkerPlan): Promise<CrossCheck> {
  const by = 'strace -c'
  const { work } = one
  if (work.kind !== 'send') throw new TypeError('only sends are counted')
  const name = `system calls of ${work.function}`
  if (spawnSync('strace', ['-V']).status !== 0) {
    return { name, by, verdict: 'unavailable', text: 'there is no strace on this host' }
  }
  const folder = mkdtempSync(join(tmpdir(), 'batchconn-strace-'))
  const output = join(folder, 'counts')
  try {
    const wrapper = [...plan.wrapper, 'strace', '-f', '-c', '-e', 'trace=sendmsg,sendmmsg,sendto', '-o', output]
    const { worker } = await WorkerProcess.start('strace', { ...plan, wrapper, isRealTime: false })
    await worker.ask({ do: 'block', work, operations: OPERATIONS, warmOperations: 0 })
    await worker.stop()
    const counts = parseCounts(readFileSync(output, 'utf8'))
    const messages = OPERATIONS * work.batch
    const found = counts.get(work.function) ?? 0
    const text =
      `${OPERATIONS} sends of ${work.batch} (${messages} messages) made ${found} ${work.function} calls; ` +
      `${OPERATIONS} were expected`
    return { name, by, verdict: found === OPERATIONS ? 'agrees' : 'disagrees', text }
  } catch (error) {
    return { name, by, verdict: 'unavailable', text: (error as Error).message }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Reads the table that `strace -c` writes: how often each call was made. */
export function parseCounts(table: string): Map<string, number> {
  const rows = table.split('\n').flatMap((line) => {
    const match = /^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)\s*$/.exec(line)
    return match === null || match[2] === 'total' ? [] : [[match[2], Number(match[1])] as const]
  })
  return new Map(rows)
}

const OPERATIONS = 1000
