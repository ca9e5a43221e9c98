import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Ladder } from '../analysis/ladder.js'
import type { Case } from '../plan/case.js'
import type { Executor } from '../schedule/executor.js'
import type { CrossCheck } from './check.js'
import { groupOfSymbol, type SymbolGroup } from './kernel-symbols.js'

/** Samples where a worker spends its time, and holds the parts against the ladder's. */
export async function sampleSymbols(
  one: Case,
  pid: number,
  executor: Executor,
  operations: number,
  ladder: Ladder,
): Promise<CrossCheck> {
  const [name, by] = [`where the time of ${ladder.mode} goes`, 'perf record']
  const unavailable = (text: string): CrossCheck => ({ name, by, verdict: 'unavailable', text })
  if (spawnSync('perf', ['--version']).status !== 0) return unavailable('there is no perf on this host')
  const folder = mkdtempSync(join(tmpdir(), 'batchconn-perf-'))
  try {
    const data = join(folder, 'data')
    const words = ['record', '-q', '-e', 'cpu-clock', '-F', '4000', '-o', data, '-p', String(pid)]
    const perf = spawn('perf', words, { stdio: 'ignore' })
    await new Promise((resolve) => setTimeout(resolve, START_MS))
    for (const end = performance.now() + SAMPLE_MS; performance.now() < end; ) await executor.block(one, operations, 0)
    const gone = perf.exitCode === null ? once(perf, 'exit') : undefined
    perf.kill('SIGINT')
    await gone
    const report = spawnSync('perf', ['report', '-i', data, '--stdio', '-q', '--sort', 'dso,symbol'], {
      encoding: 'utf8',
    })
    if (report.status !== 0) return unavailable(`perf gave nothing: ${report.stderr.trim().split('\n', 1)[0]}`)
    return judge({ name, by }, shares(report.stdout), unattributed(report.stdout), ladder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Sums up a `perf report` by part of the send. */
export function shares(report: string): Record<SymbolGroup, number> {
  const sums = { user: 0, entry: 0, import: 0, route: 0, device: 0, copy: 0, tracing: 0, unknown: 0 }
  for (const { share, symbol, isKernel } of rows(report)) sums[isKernel ? groupOfSymbol(symbol) : 'user'] += share
  return sums
}

/** The largest of the kernel's functions that belong to no part by their name. */
function unattributed(report: string): string[] {
  return rows(report)
    .filter(({ symbol, isKernel }) => isKernel && groupOfSymbol(symbol) === 'unknown')
    .slice(0, STRANGERS)
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
  strangers: readonly string[],
  ladder: Ladder,
): CrossCheck {
  const total = Object.values(found).reduce((sum, share) => sum + share, 0)
  if (total === 0) return { ...names, verdict: 'unavailable', text: 'perf took no sample' }
  const rungShare = (...rungs: string[]) =>
    ladder.rungs.filter(({ name }) => rungs.includes(name)).reduce((sum, { share }) => sum + share, 0)
  // The worker's own measuring is outside the kernel too, and tracing is no part of sending: what is left is compared.
  const kernel = total - found.user - found.tracing
  const inLadder = 1 - rungShare('loop', 'marshalling', 'bookkeeping', 'crossing')
  const part = (group: SymbolGroup) => found[group] / kernel
  const expected: Partial<Record<SymbolGroup, number>> = {
    entry: rungShare('entry') / inLadder,
    import: rungShare('import') / inLadder,
    route: rungShare('route') / inLadder,
    device: rungShare('device', 'payload') / inLadder,
    copy: rungShare('copy') / inLadder,
  }
  const pairs = Object.entries(expected) as [SymbolGroup, number][]
  const far = pairs.filter(([group, share]) => Math.abs(part(group) - share) > TOLERANCE + part('unknown'))
  const list = pairs.map(([group, share]) => `${group} ${percent(part(group))} (ladder ${percent(share)})`).join(', ')
  const tracing =
    found.tracing < WORTH_TELLING
      ? ''
      : `; ${percent(found.tracing)} of all is spent in programs attached to this kernel's functions (BPF) and in what they ` +
        'call, which is no part of sending: they are in the rungs of the functions they are attached to'
  const remark = far.length === 0 ? '' : `; far apart: ${far.map(([group]) => group).join(', ')}`
  return {
    ...names,
    verdict: far.length === 0 ? 'agrees' : 'disagrees',
    text: `of the samples in the kernel, by symbol: ${list}, not attributed ${percent(part('unknown'))} (${strangers.join(', ')})${tracing}${remark}`,
    shares: found,
  }
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}

const STRANGERS = 4
const WORTH_TELLING = 0.02
const START_MS = 400
const SAMPLE_MS = 1500
/** Names say only roughly which part a function serves. */
const TOLERANCE = 0.1
