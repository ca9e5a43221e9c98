import { CONTENDERS, type Contender, type Figures, type Measure } from '../drop-in/task.js'
import type { DropInOptions } from '../options/drop-in-options.js'
import { describeMachine } from '../peers/machine.js'
import { type Estimate, medianEstimate } from '../statistics/median.js'
import { pairedRatio } from '../statistics/paired-ratio.js'
import type { Random } from '../workload/random.js'
import { SCHEMA_VERSION } from './document.js'
import { decimal } from './format.js'
import { table } from './table.js'

/** What every contender's rounds of one measure gave. */
export type Rounds = ReadonlyMap<Contender, readonly Figures[]>

/** One figure of one contender over the rounds. */
export interface FigureSummary extends Estimate {
  readonly measure: Measure
  readonly figure: string
  readonly contender: Contender
  readonly rounds: readonly number[]
  /** To node:dgram's, round by round; below 1 is less. */
  readonly ratio: Estimate
}

/** Sums the rounds of one measure up. */
export function summarizeMeasure(measure: Measure, rounds: Rounds, random: Random): FigureSummary[] {
  const series = (contender: Contender, figure: string) => (rounds.get(contender) ?? []).map((one) => one[figure])
  const figures = Object.keys(rounds.get('dgram')?.[0] ?? {})
  return figures.flatMap((figure) =>
    CONTENDERS[measure].map((contender) => ({
      measure,
      figure,
      contender,
      rounds: series(contender, figure),
      ...medianEstimate(series(contender, figure)),
      ratio: pairedRatio(series(contender, figure), series('dgram', figure), random),
    })),
  )
}

/** The table. */
export function dropInText(options: DropInOptions, summaries: readonly FigureSummary[]): string {
  const { kernel, cpu, cores, node, koffi } = describeMachine()
  const rows = summaries.map(({ measure, figure, contender, ratio, ...estimate }) => [
    `${measure}, ${contender}`,
    figure,
    interval(estimate, 1),
    contender === 'dgram' ? '1' : interval(ratio, 3),
  ])
  const bound = options.cpu === undefined ? '' : `, all on processor ${options.cpu}`
  return [
    `datagrams of ${options.sizeBytes} bytes ${where(options)}, rounds: ${options.rounds}, each in new processes, in random order (seed ${options.seed})${bound}`,
    `Linux ${kernel}, ${cpu}, ${cores} cores, Node ${node}, Koffi ${koffi}`,
    '',
    table([['', 'unit', 'median (interval)', 'ratio to dgram'], ...rows]),
  ].join('\n')
}

/** The JSON document. */
export function dropInDocument(options: DropInOptions, summaries: readonly FigureSummary[]): object {
  const { measures, rounds, sizeBytes, kept, to = null, peers, sockets, cpu = null, seed } = options
  return {
    schemaVersion: SCHEMA_VERSION,
    command: 'drop-in',
    config: { measures, rounds, sizeBytes, kept, to, peers, sockets, cpu, seed },
    machine: describeMachine(),
    figures: summaries,
  }
}

function where({ to, peers }: DropInOptions): string {
  const place = to === undefined ? 'on loopback' : `on loopback, sent ones to ${to.host}:${to.port}`
  return peers === 1 ? place : `${place}, ${peers} peers`
}

function interval({ median, low, high }: Estimate, digits: number): string {
  return `${decimal(median, digits)} (${decimal(low, digits)} - ${decimal(high, digits)})`
}
