import { join } from 'node:path'
import { startChild } from '../children/child.js'
import { sweepFolders, transpile } from '../children/temporary.js'
import { Progress } from '../cli/progress.js'
import { interleave } from '../engine/rounds.js'
import type { DropInPlan, MEASURES } from '../options/local-options.js'
import { type Canvas, type Chart, intervalChart } from '../report/charts.js'
import { configOf, documentHead, machineLine, reasonOf } from '../report/document.js'
import { decimal, spreadText } from '../report/format.js'
import { printReport, type Report } from '../report/report.js'
import { type Estimate, medianEstimate, ratioEstimate } from '../stats/interval.js'
import { type Random, seededRandom } from '../stats/random.js'

type Measure = (typeof MEASURES)[number]
/** node:dgram, or the drop-in with or without GSO and GRO. */
export type Candidate = 'dgram' | 'batchconn-dgram' | 'batchconn-dgram, no GSO' | 'batchconn-dgram, no GRO'

/** The candidates of each measure: those for which it makes a difference. */
const CANDIDATES: Readonly<Record<Measure, readonly Candidate[]>> = {
  send: ['dgram', 'batchconn-dgram, no GSO', 'batchconn-dgram'],
  receive: ['dgram', 'batchconn-dgram, no GRO', 'batchconn-dgram'],
  'round-trip': ['dgram', 'batchconn-dgram'],
  kept: ['dgram', 'batchconn-dgram, no GRO', 'batchconn-dgram'],
  sockets: ['dgram', 'batchconn-dgram'],
}

/** What a worker process does: one candidate's part of one round. */
export interface Task extends DropInPlan {
  /** `echo` is the other end of a round trip. */
  readonly measure: Measure | 'echo'
  readonly candidate: Candidate
  /** Number of datagrams, of round trips, or of ticks. */
  readonly count: number
}

/** The figures of one round, by name and unit (`median us`); null if one could not be measured. */
export type Figures = Readonly<Record<string, number | null>>

/** One figure of one candidate over the rounds; docs/json-report.md describes each key. */
export type FigureSummary = ReturnType<typeof summarizeMeasure>[number]

/** Measures, and prints the result, also an incomplete one. @throws what ended it early */
export async function printDropIn(plan: DropInPlan, signal: AbortSignal): Promise<void> {
  const progress = new Progress(plan.quiet)
  const random = seededRandom(plan.seed)
  const summaries: FigureSummary[] = []
  let error: unknown
  sweepFolders()
  using program = transpile(join(__dirname, 'worker'))
  const runWorker = async (measure: Measure, candidate: Candidate): Promise<Figures> => {
    const count = measure === 'kept' ? plan.kept : COUNTS[measure] / (plan.isQuick ? 10 : 1)
    const words = [JSON.stringify({ ...plan, measure, candidate, count } satisfies Task)]
    const name = `the process for ${measure}, ${candidate}`
    await using child = startChild(name, { program, words, cpu: plan.cpu })
    return (await child.next(signal)) as Figures
  }
  for (const measure of plan.measures) {
    const figures = new Map<Candidate, Figures[]>(CANDIDATES[measure].map((candidate) => [candidate, []]))
    const rounds = { itemsOf: () => [...figures], isOver: (done: number) => done === plan.rounds, random, signal }
    const end = await interleave(rounds, async ([candidate, all], round) => {
      const found = await runWorker(measure, candidate)
      all.push(found)
      const text = Object.entries(found).map(([name, value]) => `${value?.toFixed(1) ?? 'n/a'} ${name}`)
      progress.say(`${measure}, round ${round} of ${plan.rounds}, ${candidate}: ${text.join(', ')}`)
    })
    summaries.push(...summarizeMeasure(measure, figures, random))
    error = end.error
    if (error !== undefined) break
  }
  if (summaries.length === 0) throw error
  const partial = error === undefined ? null : `not all rounds are complete (${reasonOf(error)})`
  await printReport(plan, dropInReport(plan, summaries, partial), error)
}

/** Summarizes the rounds of one measure; candidates without a round are left out. */
function summarizeMeasure(measure: Measure, figures: ReadonlyMap<Candidate, readonly Figures[]>, random: Random) {
  const candidates = [...figures].filter(([, rounds]) => rounds.length > 0)
  const names = Object.keys(candidates[0]?.[1][0] ?? {})
  return names.flatMap((figure) => {
    const base = figures.get('dgram')?.map((one) => one[figure]) ?? []
    return candidates.map(([candidate, all]) => {
      const rounds = all.map((one) => one[figure])
      const known = rounds.filter((value) => value !== null)
      // To node:dgram, round by round; below 1 is less.
      const ratios = rounds.flatMap((value, index) => (value === null || !base[index] ? [] : [value / base[index]]))
      const value = known.length === 0 ? null : medianEstimate(known)
      const ratio = ratios.length === 0 ? null : ratioEstimate(ratios, random)
      return { measure, figure, candidate, rounds, value, ratio }
    })
  })
}

export function dropInReport(plan: DropInPlan, summaries: readonly FigureSummary[], partial: string | null): Report {
  const unknown = summaries.some(({ value }) => value === null)
  const notes = [
    plan.rounds < 6 && 'The interval is the range of the rounds; a 95 % interval requires six.',
    unknown && 'n/a: the process used memory that it already had; keep more datagrams (--kept)',
  ]
  return {
    title: 'batchconn/dgram and node:dgram',
    partial,
    facts: headLines(plan),
    tables: { all: [{ title: '', rows: resultRows(summaries) }] },
    lists: [['', notes.filter((note) => note !== false)]],
    warnings: [],
    answer: ['', []],
    charts: (canvas) => chartsOf(canvas, summaries),
    document: { ...documentHead('drop-in'), partial, config: configOf(plan), figures: summaries },
    results: summaries,
  }
}

/** A chart per figure. */
function chartsOf(canvas: Canvas, summaries: readonly FigureSummary[]): Chart[] {
  const titleOf = ({ measure, figure }: FigureSummary) => `${measure}: ${figure}`
  return [...new Set(summaries.map(titleOf))].flatMap((title, index) => {
    const shown = summaries.filter((one) => titleOf(one) === title)
    return intervalChart(canvas, {
      ...{ id: `figure-${index + 1}`, title, label: shown[0].figure, format: (value) => decimal(value, 1) },
      caption:
        'Less is better; × is the ratio to node:dgram. Medians of the rounds with their intervals; each small dot is a round.',
      rows: shown.map(({ candidate: name, value, ratio, rounds: points }) => {
        const note = name === 'dgram' || ratio === null ? '' : ` (×${decimal(ratio.median, 3)})`
        return { name, value, points, note }
      }),
    })
  })
}

function resultRows(summaries: readonly FigureSummary[]): string[][] {
  const rows = summaries.map(({ measure, figure, candidate, value, ratio }) => {
    const relative = candidate === 'dgram' ? '1' : interval(ratio, 3)
    return [`${measure}, ${candidate}`, figure, interval(value, 1), relative]
  })
  return [['', 'unit', 'median (interval)', 'ratio to dgram'], ...rows]
}

/** Returns what was measured, how, and where. */
function headLines({ sizeBytes, rounds, isQuick, seed, cpu, to, destinations, grouped, sends }: DropInPlan): string[] {
  const where =
    (to === undefined ? 'on loopback' : `on loopback, sent ones to ${to.host}:${to.port}`) +
    spreadText(destinations, grouped) +
    (sends === 64 ? '' : `, ${sends} sends per tick`)
  const bound = cpu === undefined ? '' : `, all on processor ${cpu}`
  return [
    `datagrams of ${sizeBytes} bytes ${where}, rounds: ${rounds}, each in new processes${isQuick ? ' and a tenth as long as usual' : ''}, in random order (seed ${seed})${bound}`,
    machineLine(),
  ]
}

function interval(value: Estimate | null, digits: number): string {
  if (value === null) return 'n/a'
  return `${decimal(value.median, digits)} (${decimal(value.low, digits)} - ${decimal(value.high, digits)})`
}

/** Datagrams, or round trips, in about half a second, and ticks in two. */
const COUNTS = { send: 320_000, receive: 320_000, 'round-trip': 40_000, sockets: 100 } as const
