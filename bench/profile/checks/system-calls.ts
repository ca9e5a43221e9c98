import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { removeFolder, temporaryFolder } from '../../children/temporary.js'
import type { WorkerPool } from '../../engine/worker-pool.js'
import type { ProfileCase, Work } from '../cases/work.js'
import type { CrossCheck } from './check.js'

/** Counts the system calls of some operations with strace. */
export async function countSystemCalls(one: ProfileCase, pool: WorkerPool<Work>): Promise<CrossCheck> {
  const by = 'strace -c'
  const { work } = one
  if (work.kind !== 'send') throw new TypeError('only sends are counted')
  const name = `system calls of ${work.function}`
  if (spawnSync('strace', ['-V']).status !== 0) {
    return { name, by, verdict: 'unavailable', text: 'this host has no strace' }
  }
  const folder = temporaryFolder('strace')
  const output = join(folder, 'counts')
  try {
    const tool = ['strace', '-f', '-c', '-e', 'trace=sendmsg,sendmmsg,sendto', '-o', output]
    await pool.sampleUnder(tool, one, OPERATIONS)
    const found = parseCounts(readFileSync(output, 'utf8')).get(work.function) ?? 0
    const text =
      `${OPERATIONS} sends of ${work.batch} (${OPERATIONS * work.batch} messages) made ${found} ${work.function} calls; ` +
      `${OPERATIONS} are expected`
    return { name, by, verdict: found === OPERATIONS ? 'agrees' : 'disagrees', text }
  } catch (error) {
    return { name, by, verdict: 'unavailable', text: (error as Error).message }
  } finally {
    removeFolder(folder)
  }
}

/** Parses the table of `strace -c`: the number of calls by name. */
export function parseCounts(table: string): Map<string, number> {
  const rows = table.split('\n').flatMap((line) => {
    const match = /^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)\s*$/.exec(line)
    return match === null || match[2] === 'total' ? [] : [[match[2], Number(match[1])] as const]
  })
  return new Map(rows)
}

const OPERATIONS = 1000
