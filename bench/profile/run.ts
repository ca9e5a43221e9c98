import { setPriority } from 'node:os'
import { join } from 'node:path'
import { describeMachine } from '../peers/machine.js'
import { seededRandom } from '../workload/random.js'
import { type Figures, makeResampling, workOutFigures } from './analysis/figures.js'
import { type Noise, noiseOf } from './analysis/noise.js'
import { judgeTrust, type Trust } from './analysis/trust.js'
import type { CrossCheck } from './checks/check.js'
import { crossCheck } from './checks/cross-check.js'
import type { ProfileOptions } from './options.js'
import { openPlaces } from './places/places.js'
import type { Case, Subject } from './plan/case.js'
import { sendId } from './plan/ladder-cases.js'
import { strategyId } from './plan/strategy-cases.js'
import { batchSizes, subjectCases } from './plan/subject-cases.js'
import type { HeapGrowth } from './process/heap.js'
import { WorkerPool } from './process/worker-pool.js'
import { type Measured, measureRounds } from './schedule/rounds.js'
import type { Series } from './schedule/sample.js'
import { relativePrecision } from './statistics/interval.js'
import { STRATEGIES } from './strategies/strategies.js'

/** Everything that came of a run. */
export interface ProfileRun {
  readonly options: ProfileOptions
  readonly startedAt: string
  readonly seconds: number
  readonly machine: ReturnType<typeof describeMachine>
  readonly subject: Subject
  readonly place: { readonly name: string; readonly explanation: string }
  readonly isRealTime: boolean
  readonly clockNanoseconds: number
  readonly measured: Measured
  readonly figures: Figures
  readonly crossChecks: readonly CrossCheck[]
  readonly noise: Noise
  readonly trust: Trust
}

/** Measures. @param say - is told how far it is */
export async function runProfile(
  options: ProfileOptions,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<ProfileRun> {
  const startMs = performance.now()
  const startedAt = new Date().toISOString()
  raisePriority()
  const places = openPlaces(options.place)
  try {
    const subject: Subject = {
      batch: options.batch,
      sizeBytes: options.sizeBytes,
      batches: batchSizes(options.batch, options.isQuick),
      hasCuttingSink: places.cutting !== undefined,
      replicas: options.isQuick ? 1 : 3,
    }
    const cases = subjectCases(
      subject,
      STRATEGIES.map(({ name }) => name),
    )
    await using pool = new WorkerPool(places, join(__dirname, 'process', 'worker.ts'), options)
    say(`${cases.length} cases; starting their processes`)
    await pool.startAll(cases, signal)
    const measured = await measure(options, subject, cases, pool, startMs, say, signal)
    say('heap, cross-checks')
    const growth = await measureHeap(pool, measured.series)
    const figures = workOutFigures(
      { ...measured, subject, strategies: STRATEGIES, growth },
      seededRandom(options.seed + 1),
    )
    const crossChecks = await crossCheck(measured.series, figures.ladders, subject, pool)
    const noise = noiseOf(measured.series, measured.rounds)
    const isRealTime = pool.hellos.every((hello) => hello.isRealTime)
    return {
      options,
      startedAt,
      seconds: (performance.now() - startMs) / 1000,
      machine: describeMachine(),
      subject,
      place: { name: places.main.name, explanation: places.explanation },
      isRealTime,
      clockNanoseconds: Math.max(...pool.hellos.map(({ costs }) => costs.wallNanoseconds)),
      measured,
      figures,
      crossChecks,
      noise,
      trust: judgeTrust({
        ladders: figures.ladders,
        noise,
        rounds: measured.rounds,
        precision: options.precision,
        isRealTime,
        isPinned: options.processor !== undefined,
        crossCheckFailures: crossChecks
          .filter(({ by, verdict }) => by === 'strace -c' && verdict === 'disagrees')
          .map(({ name, text }) => `${name}: ${text}`),
      }),
    }
  } finally {
    places.close()
  }
}

function measure(
  options: ProfileOptions,
  subject: Subject,
  cases: readonly Case[],
  pool: WorkerPool,
  startMs: number,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<Measured> {
  const reserveMs = options.isQuick ? QUICK_RESERVE_MS : RESERVE_MS
  const effort = {
    blockNanoseconds: options.blockMilliseconds * 1e6,
    deadlineMs: startMs + options.budgetSeconds * 1000 - reserveMs,
    fewestRounds: FEWEST_ROUNDS,
    mostRounds: MOST_ROUNDS,
  }
  const isEnough = (series: readonly Series[], rounds: number): boolean => {
    // Intervals from few rounds are too narrow as often as not: they are not what ends a run.
    if (rounds < ROUNDS_TO_JUDGE || rounds % JUDGE_EVERY !== 0) return false
    const wholes = (['sendmsg', 'sendmmsg'] as const).flatMap((name) =>
      [false, true].map((connected) => sendId(name, connected, 'library', subject.batch, subject.sizeBytes)),
    )
    const relevant = series.filter(({ case: one }) => wholes.includes(one.id.split('#')[0]))
    const resampling = makeResampling(relevant, rounds, seededRandom(options.seed), QUICK_REPLICATES)
    return wholes.every((id) => relativePrecision(resampling.interval((of) => of(id))) <= options.precision)
  }
  const random = seededRandom(options.seed)
  const clock = () => performance.now()
  return measureRounds(cases, pool, effort, { random, clock, watcher: { isEnough, say }, signal })
}

async function measureHeap(pool: WorkerPool, series: readonly Series[]): Promise<Map<string, HeapGrowth>> {
  const growth = new Map<string, HeapGrowth>()
  for (const { case: one } of series) {
    if (one.work.kind !== 'strategy' || one.work.withCall) continue
    const operations = Math.max(1, Math.round(HEAP_MESSAGES / one.work.batch))
    growth.set(strategyId(one.work.strategy, one.work.batch, false), await pool.heap(one, operations))
  }
  return growth
}

function raisePriority(): void {
  try {
    setPriority(-20)
  } catch {}
}

/** What the heap, the cross-checks and the arithmetic take after the last round. */
const RESERVE_MS = 25_000
const QUICK_RESERVE_MS = 8000
const FEWEST_ROUNDS = 5
const MOST_ROUNDS = 100_000
const ROUNDS_TO_JUDGE = 20
const JUDGE_EVERY = 5
const QUICK_REPLICATES = 200
const HEAP_MESSAGES = 512
