import { join } from 'node:path'
import { Child } from '../children/child.js'
import { sweepFolders } from '../children/temporary.js'
import { type Transpiled, transpile } from '../children/transpile.js'
import { Progress } from '../cli/progress.js'
import { interleave } from '../engine/interleave.js'
import { type Estimate, medianEstimate, pairedRatio } from '../stats/median.js'
import { type Random, seededRandom } from '../stats/random.js'
import { CANDIDATES, type Candidate, type DropInPlan, type Figures, type Measure } from './plan.js'

/** One figure of one candidate over the rounds. */
export interface FigureSummary {
  readonly measure: Measure
  /** Name and unit. */
  readonly figure: string
  readonly candidate: Candidate
  /** Null in rounds in which it could not be measured. */
  readonly rounds: readonly (number | null)[]
  readonly value: Estimate | null
  /** Ratio to node:dgram, round by round; below 1 is less. */
  readonly ratio: Estimate | null
}

/** A measurement, complete or not. */
export interface DropInRun {
  readonly plan: DropInPlan
  readonly summaries: readonly FigureSummary[]
  /** What ended it early; undefined if it is complete. */
  readonly error: unknown
}

/** Runs all measures. @throws Failure or the signal's reason, if that happens before the first result */
export async function measureDropIn(plan: DropInPlan, signal: AbortSignal): Promise<DropInRun> {
  const progress = new Progress(plan.quiet)
  const random = seededRandom(plan.seed)
  const summaries: FigureSummary[] = []
  sweepFolders()
  const program = transpile(join(__dirname, 'worker'))
  try {
    for (const measure of plan.measures) {
      const figures = new Map<Candidate, Figures[]>(CANDIDATES[measure].map((candidate) => [candidate, []]))
      const rounds = {
        itemsOf: () => CANDIDATES[measure],
        isOver: (done: number) => done === plan.rounds,
        random,
        signal,
      }
      const { error } = await interleave(rounds, async (candidate, round) => {
        const found = await runWorker(program, measure, candidate, plan, signal)
        figures.get(candidate)?.push(found)
        const text = Object.entries(found).map(([name, value]) => `${value?.toFixed(1) ?? 'n/a'} ${name}`)
        progress.say(`${measure}, round ${round} of ${plan.rounds}, ${candidate}: ${text.join(', ')}`)
      })
      summaries.push(...summarizeMeasure(measure, figures, random))
      if (error === undefined) continue
      if (summaries.length === 0) throw error
      return { plan, summaries, error }
    }
    return { plan, summaries, error: undefined }
  } finally {
    program.remove()
  }
}

async function runWorker(
  program: Transpiled,
  measure: Measure,
  candidate: Candidate,
  plan: DropInPlan,
  signal: AbortSignal,
): Promise<Figures> {
  const { sizeBytes, kept, to, destinations, sockets, cpu, isQuick } = plan
  const count = measure === 'kept' ? kept : COUNTS[measure] / (isQuick ? 10 : 1)
  const task = { measure, candidate, sizeBytes, count, to, destinations, sockets }
  const wrapper = cpu === undefined ? [] : ['taskset', '--cpu-list', String(cpu)]
  const child = new Child(`the process for ${measure}, ${candidate}`, {
    program,
    words: [JSON.stringify(task)],
    wrapper,
  })
  try {
    return (await child.next(signal)) as Figures
  } finally {
    await child.stop()
  }
}

/** Summarizes the rounds of one measure; candidates without a round are left out. */
export function summarizeMeasure(
  measure: Measure,
  figures: ReadonlyMap<Candidate, readonly Figures[]>,
  random: Random,
): FigureSummary[] {
  const candidates = CANDIDATES[measure].filter((candidate) => (figures.get(candidate)?.length ?? 0) > 0)
  const names = Object.keys(candidates.flatMap((candidate) => figures.get(candidate) ?? [])[0] ?? {})
  const series = (candidate: Candidate, name: string) => (figures.get(candidate) ?? []).map((one) => one[name])
  return names.flatMap((figure) =>
    candidates.map((candidate) => {
      const rounds = series(candidate, figure)
      const base = series('dgram', figure)
      const known = rounds.filter((value) => value !== null)
      const pairs = rounds.flatMap((value, index) => {
        const other = base[index]
        return value === null || other == null || other === 0 ? [] : [[value, other]]
      })
      return {
        measure,
        figure,
        candidate,
        rounds,
        value: known.length === 0 ? null : medianEstimate(known),
        ratio:
          pairs.length === 0
            ? null
            : pairedRatio(
                pairs.map(([value]) => value),
                pairs.map(([, other]) => other),
                random,
              ),
      }
    }),
  )
}

/** Datagrams, or round trips, in about half a second, and ticks in two. */
const COUNTS = { send: 320_000, receive: 320_000, 'round-trip': 40_000, sockets: 100 } as const
