import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '../../children/temporary.js'
import type { Executor } from '../../engine/case.js'
import type { WorkerPool } from '../../engine/worker-pool.js'
import { percent } from '../../report/format.js'
import { type Breakdown, type ComponentName, sharesOf, USER_COMPONENTS } from '../analysis/breakdown.js'
import type { ProfileCase, Work } from '../cases/work.js'
import { groupOfSymbol, type SymbolGroup } from './kernel-symbols.js'

/** A comparison of a figure with an independent source. */
export interface CrossCheck {
  readonly name: string
  /** The source: `strace -c`, `perf record`, `getrusage`, `clock_gettime`. */
  readonly by: string
  readonly verdict: 'agrees' | 'disagrees' | 'unavailable'
  /** The numbers of both sides, or why there are none. */
  readonly text: string
  /** Shares by group, for `perf`. */
  readonly shares?: Readonly<Record<string, number>>
}

/** Counts the system calls of some operations with strace. */
export async function countSystemCalls(one: ProfileCase, pool: WorkerPool<Work>): Promise<CrossCheck> {
  const { work } = one
  if (work.kind !== 'send') throw new TypeError('only sends are counted')
  const names = { name: `system calls of ${work.function}`, by: 'strace -c' }
  const unavailable = (text: string): CrossCheck => ({ ...names, verdict: 'unavailable', text })
  if (spawnSync('strace', ['-V']).status !== 0) return unavailable('this host has no strace')
  using folder = temporaryFolder('strace')
  const output = join(folder.path, 'counts')
  try {
    const tool = ['strace', '-f', '-c', '-e', 'trace=sendmsg,sendmmsg,sendto', '-o', output]
    await pool.sampleUnder(tool, one, OPERATIONS)
    const found = parseCounts(readFileSync(output, 'utf8')).get(work.function) ?? 0
    const text =
      `${OPERATIONS} sends of ${work.batch} (${OPERATIONS * work.batch} messages) made ${found} ${work.function} calls; ` +
      `${OPERATIONS} are expected`
    return { ...names, verdict: found === OPERATIONS ? 'agrees' : 'disagrees', text }
  } catch (error) {
    return unavailable((error as Error).message)
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

/** Samples a worker's stack pointer with perf, and compares the shares of kernel functions with the breakdown. */
export async function sampleSymbols(
  one: ProfileCase,
  pid: number,
  executor: Executor<Work>,
  operations: number,
  breakdown: Breakdown,
): Promise<CrossCheck> {
  const names = { name: `kernel functions of ${breakdown.mode}`, by: 'perf record' }
  const unavailable = (text: string): CrossCheck => ({ ...names, verdict: 'unavailable', text })
  if (spawnSync('perf', ['--version']).status !== 0) return unavailable('this host has no perf')
  using folder = temporaryFolder('perf')
  const data = join(folder.path, 'data')
  const words = ['record', '-q', '-e', 'cpu-clock', '-F', '4000', '-o', data, '-p', String(pid)]
  const perf = spawn('perf', words, { stdio: 'ignore' })
  const gone = once(perf, 'exit')
  try {
    await new Promise((resolve) => setTimeout(resolve, START_MS))
    for (const end = performance.now() + SAMPLE_MS; performance.now() < end; ) await executor.sample(one, operations, 0)
  } finally {
    perf.kill('SIGINT')
    await gone
  }
  const report = spawnSync('perf', ['report', '-i', data, '--stdio', '-q', '--sort', 'dso,symbol'], {
    encoding: 'utf8',
  })
  if (report.status !== 0) return unavailable(`perf failed: ${report.stderr.trim().split('\n', 1)[0]}`)
  const found = shares(report.stdout)
  if (Object.values(found).every((share) => share === 0)) return unavailable('perf took no sample')
  return { ...names, ...judge(found, unattributed(report.stdout), breakdown), shares: found }
}

export function shares(report: string): Record<SymbolGroup, number> {
  const sums = { user: 0, entry: 0, import: 0, route: 0, device: 0, copy: 0, tracing: 0, unknown: 0 }
  for (const { share, symbol, isKernel } of rows(report)) sums[isKernel ? groupOfSymbol(symbol) : 'user'] += share
  return sums
}

/** Returns the kernel functions with the largest shares that belong to no group. */
function unattributed(report: string): string[] {
  return rows(report)
    .filter(({ symbol, isKernel }) => isKernel && groupOfSymbol(symbol) === 'unknown')
    .slice(0, LARGEST)
    .map(({ symbol }) => symbol)
}

function rows(report: string): { share: number; symbol: string; isKernel: boolean }[] {
  return report.split('\n').flatMap((line) => {
    const match = /^\s*([\d.]+)%\s+.*?\[([.k])\]\s+(\S+)/.exec(line)
    return match === null ? [] : [{ share: Number(match[1]) / 100, symbol: match[3], isKernel: match[2] === 'k' }]
  })
}

/** Compares the parts of the kernel's time. The worker's measuring is outside the kernel, and tracing no part of sending. */
function judge(
  found: Record<SymbolGroup, number>,
  others: readonly string[],
  breakdown: Breakdown,
): Pick<CrossCheck, 'verdict' | 'text'> {
  const total = Object.values(found).reduce((sum, share) => sum + share, 0)
  const inKernel = sharesOf(breakdown, (name) => !USER_COMPONENTS.includes(name))
  const part = (group: SymbolGroup) => found[group] / (total - found.user - found.tracing)
  const pairs = COMPARED.map(([group, components]) => ({
    group,
    share: sharesOf(breakdown, (name) => components.includes(name)) / inKernel,
  }))
  const far = pairs.filter(({ group, share }) => Math.abs(part(group) - share) > TOLERANCE + part('unknown'))
  const list = pairs.map(({ group, share }) => `${group} ${percent(part(group))} (breakdown ${percent(share)})`)
  const tracing =
    found.tracing < WORTH_MENTIONING
      ? ''
      : `; ${percent(found.tracing)} of all samples are in programs attached to kernel functions (BPF) and in what they call. ` +
        'They are not part of sending, and are included in the components of the functions that they are attached to'
  const remark = far.length === 0 ? '' : `; different: ${far.map(({ group }) => group).join(', ')}`
  return {
    verdict: far.length === 0 ? 'agrees' : 'disagrees',
    text: `shares of the samples in the kernel, by symbol: ${list.join(', ')}, not attributed ${percent(part('unknown'))} (${others.join(', ')})${tracing}${remark}`,
  }
}

/** The groups of kernel functions, and the components that they belong to. */
const COMPARED: readonly (readonly [SymbolGroup, readonly ComponentName[]])[] = [
  ['entry', ['entry']],
  ['import', ['import']],
  ['route', ['route']],
  ['device', ['device', 'payload']],
  ['copy', ['copy']],
]
const OPERATIONS = 1000
const LARGEST = 4
const WORTH_MENTIONING = 0.02
const START_MS = 400
const SAMPLE_MS = 1500
/** A function's name only indicates what it is for. */
const TOLERANCE = 0.1
