import { join } from 'node:path'
import { sweepFolders } from '../children/temporary.js'
import { readText } from '../cli/files.js'
import { Progress } from '../cli/progress.js'
import { columns, measureRounds, type Series } from '../engine/rounds.js'
import { type HeapGrowth, raisePriority } from '../engine/sample.js'
import { openPool, type WorkerPool } from '../engine/worker-pool.js'
import type { DiffPlan, ProfileCommand, ProfilePlan } from '../options/local-options.js'
import { describeMachine, printResult } from '../report/document.js'
import { printReport } from '../report/report.js'
import { relativePrecision } from '../stats/interval.js'
import { seededRandom } from '../stats/random.js'
import { Resampling } from '../stats/resampling.js'
import { computeFigures } from './analysis/figures.js'
import type { ProfileRun } from './analysis/reliability.js'
import { batchSizes, callId, SEND_WAYS, type Subject, subjectCases, type Work } from './cases/cases.js'
import { type CrossCheck, crossCheck } from './checks/cross-check.js'
import { compareDocuments, comparisonText, parseDocument } from './compare.js'
import { ENCODERS, LEFT_OUT } from './encoders/encoders.js'
import { profileDocument } from './report/document.js'
import { profileReport } from './report/report.js'
import { openTargets } from './targets.js'

/** Measures. An interruption after the first round gives the complete rounds, without cross-checks. */
async function runProfile(plan: ProfilePlan, progress: Progress, signal: AbortSignal): Promise<ProfileRun> {
  const startMs = performance.now()
  const startedAt = new Date().toISOString()
  const budgetMs = plan.budgetSeconds * 1000
  const hasTime = () => !signal.aborted && performance.now() < startMs + budgetMs
  raisePriority()
  sweepFolders()
  using targets = openTargets(plan.target)
  const isShort = plan.isQuick || plan.budgetSeconds < FULL_SECONDS
  const subject: Subject = {
    batch: plan.batch,
    sizeBytes: plan.sizeBytes,
    batches: batchSizes(plan.batch, isShort),
    hasSplittingSink: targets.splitting !== undefined,
    replicas: isShort ? 1 : 3,
  }
  const encoders = ENCODERS.map(({ name }) => name)
  const cases = subjectCases(subject, encoders)
  await using pool = openPool<Work>({
    program: join(__dirname, 'worker'),
    isRealTime: plan.isRealTime,
    cpu: plan.cpu,
    placeOf: ({ work }) => ({
      ...((work.kind === 'gso' && work.isSplit && targets.splitting) || targets.main),
      nodeFlags: work.kind === 'crossing' && work.by === 'node:ffi' ? FFI_FLAGS : [],
    }),
    signal,
  })
  progress.update(`${cases.length} cases; starting their processes`)
  await pool.startAll(cases)
  const deadlineMs = startMs + budgetMs - Math.min(MAX_RESERVE_MS, budgetMs * RESERVE_SHARE)
  const found = await measureRounds(cases, pool, {
    sampleNanoseconds: plan.sampleMilliseconds * 1e6,
    fewestRounds: performance.now() < deadlineMs ? FEWEST_ROUNDS : 1,
    random: seededRandom(plan.seed),
    endOf(series, rounds) {
      if (isEnough(series, rounds, plan, subject)) return 'precision'
      return performance.now() < deadlineMs ? undefined : 'budget'
    },
    say: (line) => progress.update(line),
    signal,
  })
  const measured = { ...found, unmeasured: [...LEFT_OUT, ...found.unmeasured] }
  progress.update('heap, cross-checks')
  const growth = await measureHeap(pool, measured.series, hasTime)
  const figures = computeFigures({ ...measured, subject, growth, encoders: ENCODERS }, plan.seed + 1)
  const crossChecks: CrossCheck[] = []
  try {
    const checks = crossCheck(measured.series, figures.breakdowns, subject, pool, hasTime)
    if (!signal.aborted) for await (const check of checks) crossChecks.push(check)
  } catch (error) {
    // An interruption: the checks so far are reported.
    if (!signal.aborted) throw error
  }
  return {
    plan,
    startedAt,
    seconds: (performance.now() - startMs) / 1000,
    machine: describeMachine(),
    subject,
    target: { name: targets.main.name, explanation: targets.explanation },
    isRealTime: pool.hellos.every((hello) => hello.isRealTime),
    clockNanoseconds: Math.max(...pool.hellos.map(({ costs }) => costs.wallNanoseconds)),
    measured,
    figures,
    crossChecks,
  }
}

/** Returns whether the whole sends are known to the required precision. */
function isEnough(series: readonly Series<Work>[], rounds: number, plan: ProfilePlan, subject: Subject): boolean {
  // Intervals of few rounds are often too narrow: they must not end a run.
  if (rounds < ROUNDS_TO_JUDGE || rounds % JUDGE_EVERY !== 0) return false
  const wholes = SEND_WAYS.map((way) => callId(way, 'library', subject))
  const relevant = series.filter(({ case: one }) => wholes.includes(one.id))
  const resampling = new Resampling(columns(relevant, rounds), rounds, seededRandom(plan.seed), JUDGE_REPLICATES)
  return wholes.every(
    (id) => resampling.has(id) && relativePrecision(resampling.interval((of) => of(id))) <= plan.precision,
  )
}

/** Returns the memory that the encoders allocate, by case. */
async function measureHeap(pool: WorkerPool<Work>, series: readonly Series<Work>[], hasTime: () => boolean) {
  const growth = new Map<string, HeapGrowth>()
  for (const { case: one, samples } of series) {
    const { work } = one
    if (work.kind !== 'encode' || work.withCall || samples.length === 0 || !hasTime()) continue
    const operations = Math.max(1, Math.round(HEAP_MESSAGES / work.batch))
    // A worker that ended meanwhile: its memory stays unknown.
    await pool.heap(one, operations).then(
      (found) => growth.set(one.id, found),
      () => {},
    )
  }
  return growth
}

/** Below this budget, a run is reduced like `--quick`. */
const FULL_SECONDS = 60
/** Share of the budget for what follows the last round: heap, cross-checks, computation. */
const RESERVE_SHARE = 0.25
const MAX_RESERVE_MS = 25_000
const FEWEST_ROUNDS = 5
const ROUNDS_TO_JUDGE = 20
const JUDGE_EVERY = 5
const JUDGE_REPLICATES = 200
const HEAP_MESSAGES = 512
// Node 26 requires it, later versions do not, and earlier ones reject it.
const FFI_FLAGS = ['--experimental-ffi'].filter((flag) => process.allowedNodeEnvironmentFlags.has(flag))

/** Measures, and prints and writes the reports, also of an interrupted run. @throws what ended the run early */
export async function printProfile(plan: ProfileCommand, signal: AbortSignal): Promise<void> {
  if ('diff' in plan) return printDiff(plan.diff)
  const document = profileDocument(await runProfile(plan, new Progress(plan.quiet), signal))
  if (process.stderr.isTTY && !plan.quiet) process.stderr.write('\r\x1b[K')
  await printReport(plan, profileReport(document))
  signal.throwIfAborted()
  // 3: the result is not reliable.
  if (!document.reliability.isReliable) process.exitCode = 3
}

function printDiff({ before, after, json }: DiffPlan): void {
  const [one, other] = [before, after].map((file) => parseDocument(file, readText(file)))
  const comparison = compareDocuments(one, other)
  printResult({ json }, comparison, comparisonText(comparison))
}
