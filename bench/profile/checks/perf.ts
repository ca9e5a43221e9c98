import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { removeFolder, temporaryFolder } from '../../children/temporary.js'
import type { Executor } from '../../engine/case.js'
import { percent } from '../../report/format.js'
import { type Breakdown, type ComponentName, USER_COMPONENTS } from '../analysis/breakdown.js'
import type { ProfileCase, Work } from '../cases/work.js'
import type { CrossCheck } from './check.js'
import { groupOfSymbol, type SymbolGroup } from './kernel-symbols.js'

/** Samples a worker's stack pointer with perf, and compares the shares of kernel functions with the breakdown. */
export async function sampleSymbols(
  one: ProfileCase,
  pid: number,
  executor: Executor<Work>,
  operations: number,
  breakdown: Breakdown,
): Promise<CrossCheck> {
  const [name, by] = [`kernel functions of ${breakdown.mode}`, 'perf record']
  const unavailable = (text: string): CrossCheck => ({ name, by, verdict: 'unavailable', text })
  if (spawnSync('perf', ['--version']).status !== 0) return unavailable('this host has no perf')
  const folder = temporaryFolder('perf')
  try {
    const data = join(folder, 'data')
    const words = ['record', '-q', '-e', 'cpu-clock', '-F', '4000', '-o', data, '-p', String(pid)]
    const perf = spawn('perf', words, { stdio: 'ignore' })
    await new Promise((resolve) => setTimeout(resolve, START_MS))
    for (const end = performance.now() + SAMPLE_MS; performance.now() < end; ) await executor.sample(one, operations, 0)
    const gone = perf.exitCode === null ? once(perf, 'exit') : undefined
    perf.kill('SIGINT')
    await gone
    const report = spawnSync('perf', ['report', '-i', data, '--stdio', '-q', '--sort', 'dso,symbol'], {
      encoding: 'utf8',
    })
    if (report.status !== 0) return unavailable(`perf failed: ${report.stderr.trim().split('\n', 1)[0]}`)
    return judge({ name, by }, shares(report.stdout), unattributed(report.stdout), breakdown)
  } finally {
    removeFolder(folder)
  }
}

/** Sums a `perf report` by group. */
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

function judge(
  names: Pick<CrossCheck, 'name' | 'by'>,
  found: Record<SymbolGroup, number>,
  others: readonly string[],
  breakdown: Breakdown,
): CrossCheck {
  const total = Object.values(found).reduce((sum, share) => sum + share, 0)
  if (total === 0) return { ...names, verdict: 'unavailable', text: 'perf took no sample' }
  const shareOf = (...components: readonly ComponentName[]) =>
    breakdown.components.filter(({ name }) => components.includes(name)).reduce((sum, { share }) => sum + share, 0)
  // The worker's measuring is outside the kernel, and tracing is not part of sending: the rest is compared.
  const kernel = total - found.user - found.tracing
  const inKernel = 1 - shareOf(...USER_COMPONENTS)
  const part = (group: SymbolGroup) => found[group] / kernel
  const expected: Partial<Record<SymbolGroup, number>> = {
    entry: shareOf('entry') / inKernel,
    import: shareOf('import') / inKernel,
    route: shareOf('route') / inKernel,
    device: shareOf('device', 'payload') / inKernel,
    copy: shareOf('copy') / inKernel,
  }
  const pairs = Object.entries(expected) as [SymbolGroup, number][]
  const far = pairs.filter(([group, share]) => Math.abs(part(group) - share) > TOLERANCE + part('unknown'))
  const list = pairs
    .map(([group, share]) => `${group} ${percent(part(group))} (breakdown ${percent(share)})`)
    .join(', ')
  const tracing =
    found.tracing < WORTH_MENTIONING
      ? ''
      : `; ${percent(found.tracing)} of all samples are in programs attached to kernel functions (BPF) and in what they call. ` +
        'They are not part of sending, and are included in the components of the functions that they are attached to'
  const remark = far.length === 0 ? '' : `; different: ${far.map(([group]) => group).join(', ')}`
  return {
    ...names,
    verdict: far.length === 0 ? 'agrees' : 'disagrees',
    text: `shares of the samples in the kernel, by symbol: ${list}, not attributed ${percent(part('unknown'))} (${others.join(', ')})${tracing}${remark}`,
    shares: found,
  }
}

const LARGEST = 4
const WORTH_MENTIONING = 0.02
const START_MS = 400
const SAMPLE_MS = 1500
/** A function's name only indicates what it is for. */
const TOLERANCE = 0.1
