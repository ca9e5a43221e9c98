import { join } from 'node:path'
import { sweepFolders } from '../children/temporary.js'
import type { Progress } from '../cli/progress.js'
import type { Executor, Series } from '../engine/case.js'
import { type Measured, measureRounds } from '../engine/rounds.js'
import type { HeapGrowth } from '../engine/sample.js'
import { raisePriority } from '../engine/serve.js'
import { WorkerPool } from '../engine/worker-pool.js'
import type { ProfilePlan } from '../options/local-options.js'
import { describeMachine, type Machine } from '../report/document.js'
import { relativePrecision } from '../stats/interval.js'
import { seededRandom } from '../stats/random.js'
import { computeFigures, type FigureBasis, type Figures, resample } from './analysis/figures.js'
import { checkReliability, type Noise, noiseOf, type Reliability } from './analysis/reliability.js'
import { batchSizes, encoderId, sendId, subjectCases } from './cases/cases.js'
import { type ProfileCase, SEND_FUNCTIONS, type Subject, type Work } from './cases/work.js'
import { crossCheck } from './checks/cross-check.js'
import type { CrossCheck } from './checks/tools.js'
import { ENCODERS, LEFT_OUT } from './encoders/encoders.js'
import { openTargets, type Target } from './targets.js'

export interface ProfileRun extends ProfileBasis {
  readonly figures: Figures
  readonly noise: Noise
  readonly reliability: Reliability
  /** What root would add; empty for root. */
  readonly withRoot: readonly string[]
}

interface ProfileBasis {
  readonly plan: ProfilePlan
  readonly startedAt: string
  readonly seconds: number
  readonly machine: Machine
  readonly subject: Subject
  readonly target: { readonly name: Target['name']; readonly explanation: string }
  readonly isRealTime: boolean
  readonly clockNanoseconds: number
  readonly measured: Measured<Work>
  readonly crossChecks: readonly CrossCheck[]
}

/** Measures. An interruption after the first round gives the complete rounds, without cross-checks. */
export async function runProfile(plan: ProfilePlan, progress: Progress, signal: AbortSignal): Promise<ProfileRun> {
  const startMs = performance.now()
  const startedAt = new Date().toISOString()
  const endMs = startMs + plan.budgetSeconds * 1000
  const hasTime = () => !signal.aborted && performance.now() < endMs
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
  const cases = subjectCases(
    subject,
    ENCODERS.map(({ name }) => name),
  )
  const targetOf = ({ target }: ProfileCase) => (target === 'splitting' && targets.splitting) || targets.main
  await using pool = new WorkerPool<Work>({
    program: join(__dirname, 'worker'),
    isRealTime: plan.isRealTime,
    cpu: plan.cpu,
    placeOf: targetOf,
    signal,
  })
  progress.update(`${cases.length} cases; starting their processes`)
  await pool.startAll(cases)
  const reserveMs = Math.min(MAX_RESERVE_MS, plan.budgetSeconds * 1000 * RESERVE_SHARE)
  const found = await measure(plan, subject, cases, pool, endMs - reserveMs, progress, signal)
  const measured = { ...found, unmeasured: [...LEFT_OUT, ...found.unmeasured] }
  progress.update('heap, cross-checks')
  const growth = await measureHeap(pool, measured.series, hasTime)
  const figures = figuresOf(plan, { ...measured, subject, growth, encoders: ENCODERS })
  const crossChecks: CrossCheck[] = []
  try {
    if (!signal.aborted) await crossCheck(measured.series, figures.breakdowns, subject, pool, hasTime, crossChecks)
  } catch (error) {
    // An interruption: the checks so far are reported.
    if (!signal.aborted) throw error
  }
  const basis = {
    plan,
    startedAt,
    seconds: (performance.now() - startMs) / 1000,
    machine: describeMachine(),
    subject,
    target: { name: targets.main.name, explanation: targets.explanation },
    isRealTime: pool.hellos.every((hello) => hello.isRealTime),
    clockNanoseconds: Math.max(...pool.hellos.map(({ costs }) => costs.wallNanoseconds)),
    measured,
    crossChecks,
  }
  return assembleRun(basis, figures)
}

export function figuresOf({ seed }: ProfilePlan, basis: FigureBasis, replicates?: number): Figures {
  return computeFigures(basis, seededRandom(seed + 1), replicates)
}

export function assembleRun(basis: ProfileBasis, figures: Figures): ProfileRun {
  const { plan, measured, isRealTime, crossChecks } = basis
  const noise = noiseOf(measured.series, measured.rounds)
  const reliability = checkReliability({
    breakdowns: figures.breakdowns,
    missing: figures.missing,
    noise,
    rounds: measured.rounds,
    precision: plan.precision,
    isRealTime,
    isPinned: plan.cpu !== undefined,
    crossCheckFailures: crossChecks
      .filter(({ by, verdict }) => by === 'strace -c' && verdict === 'disagrees')
      .map(({ name, text }) => `${name}: ${text}`),
  })
  return { ...basis, figures, noise, reliability, withRoot: withRoot(basis) }
}

function measure(
  plan: ProfilePlan,
  { batch, sizeBytes }: Subject,
  cases: readonly ProfileCase[],
  executor: Executor<Work>,
  deadlineMs: number,
  progress: Progress,
  signal: AbortSignal,
): Promise<Measured<Work>> {
  const wholes = SEND_FUNCTIONS.flatMap((name) =>
    [false, true].map((connected) => sendId(name, connected, 'library', batch, sizeBytes)),
  )
  const isEnough = (series: readonly Series<Work>[], rounds: number): boolean => {
    // Intervals of few rounds are often too narrow: they must not end a run.
    if (rounds < ROUNDS_TO_JUDGE || rounds % JUDGE_EVERY !== 0) return false
    const relevant = series.filter(({ case: one }) => wholes.includes(one.id))
    const resampling = resample(relevant, rounds, seededRandom(plan.seed), JUDGE_REPLICATES)
    return wholes.every(
      (id) => resampling.has(id) && relativePrecision(resampling.interval((of) => of(id))) <= plan.precision,
    )
  }
  const effort = {
    sampleNanoseconds: plan.sampleMilliseconds * 1e6,
    deadlineMs,
    fewestRounds: performance.now() < deadlineMs ? FEWEST_ROUNDS : 1,
    mostRounds: MOST_ROUNDS,
  }
  const random = seededRandom(plan.seed)
  const say = (line: string) => progress.update(line)
  return measureRounds(cases, executor, effort, { random, clock: () => performance.now(), isEnough, say, signal })
}

async function measureHeap(
  executor: Executor<Work>,
  series: readonly Series<Work>[],
  hasTime: () => boolean,
): Promise<Map<string, HeapGrowth>> {
  const growth = new Map<string, HeapGrowth>()
  for (const { case: one, samples } of series) {
    const { work } = one
    if (work.kind !== 'encode' || work.withCall || samples.length === 0 || !hasTime()) continue
    const operations = Math.max(1, Math.round(HEAP_MESSAGES / work.batch))
    try {
      growth.set(encoderId(work.encoder, work.batch, false), await executor.heap(one, operations))
    } catch {
      // A worker that ended meanwhile: its memory stays unknown.
    }
  }
  return growth
}

function withRoot({ target, plan, isRealTime, measured, crossChecks }: ProfileBasis): string[] {
  if (process.getuid?.() === 0) return []
  const additions = {
    'a sink with a real device path instead of loopback': target.name === 'loopback' && plan.target === 'auto',
    'real-time priority, so that other programs interrupt fewer samples': plan.isRealTime && !isRealTime,
    'receive buffers that hold every batch size': measured.unmeasured.some(({ reason }) => reason.includes('rmem_max')),
    'the comparison with kernel functions (perf)': crossChecks.some(
      ({ by, verdict }) => by === 'perf record' && verdict === 'unavailable',
    ),
  }
  return Object.entries(additions).flatMap(([text, isMissing]) => (isMissing ? [text] : []))
}

/** Below this budget, a run is reduced like `--quick`. */
const FULL_SECONDS = 60
/** Share of the budget for what follows the last round: heap, cross-checks, computation. */
const RESERVE_SHARE = 0.25
const MAX_RESERVE_MS = 25_000
const FEWEST_ROUNDS = 5
const MOST_ROUNDS = 100_000
const ROUNDS_TO_JUDGE = 20
const JUDGE_EVERY = 5
const JUDGE_REPLICATES = 200
const HEAP_MESSAGES = 512
