import { documentHead, machineLine, printDocument } from '../report/document.js'
import { decimal } from '../report/format.js'
import { table } from '../report/table.js'
import type { Estimate } from '../stats/median.js'
import { type DropInRun, measureDropIn } from './measure.js'
import type { DropInPlan } from './plan.js'

/** Measures, and prints the result, also an incomplete one. @throws what ended it early */
export async function printDropIn(plan: DropInPlan, signal: AbortSignal): Promise<void> {
  const run = await measureDropIn(plan, signal)
  if (plan.json) printDocument(dropInDocument(run))
  else process.stdout.write(`${dropInText(run)}\n`)
  if (run.error !== undefined) throw run.error
}

/** Returns the JSON document. */
function dropInDocument({ plan, summaries, error }: DropInRun): object {
  const { json: _json, quiet: _quiet, to = null, cpu = null, ...config } = plan
  return {
    ...documentHead('drop-in'),
    partial: error === undefined ? null : reasonOf(error),
    config: { ...config, to, cpu },
    figures: summaries,
  }
}

/** Returns the report as text. */
function dropInText({ plan, summaries, error }: DropInRun): string {
  const { sizeBytes, rounds, isQuick, seed, cpu } = plan
  const rows = summaries.map(({ measure, figure, candidate, value, ratio }) => [
    `${measure}, ${candidate}`,
    figure,
    interval(value, 1),
    candidate === 'dgram' ? '1' : interval(ratio, 3),
  ])
  const bound = cpu === undefined ? '' : `, all on processor ${cpu}`
  const unknown = summaries.some(({ value }) => value === null)
  return [
    ...(error === undefined ? [] : [`PARTIAL RESULT: ${reasonOf(error)}`, '']),
    `datagrams of ${sizeBytes} bytes ${where(plan)}, rounds: ${rounds}, each in new processes${isQuick ? ' and a tenth as long as usual' : ''}, in random order (seed ${seed})${bound}`,
    machineLine(),
    '',
    table([['', 'unit', 'median (interval)', 'ratio to dgram'], ...rows]),
    ...(rounds < 6 ? ['', 'The interval is the range of the rounds; a 95 % interval requires six.'] : []),
    ...(unknown ? ['', 'n/a: the process used memory that it already had; keep more datagrams (--kept)'] : []),
  ].join('\n')
}

function reasonOf(error: unknown): string {
  return `not all rounds are complete (${(error as Error).message.split('\n', 1)[0]})`
}

function where({ to, destinations }: DropInPlan): string {
  const target = to === undefined ? 'on loopback' : `on loopback, sent ones to ${to.host}:${to.port}`
  return destinations === 1 ? target : `${target}, ${destinations} destinations`
}

function interval(value: Estimate | null, digits: number): string {
  if (value === null) return 'n/a'
  return `${decimal(value.median, digits)} (${decimal(value.low, digits)} - ${decimal(value.high, digits)})`
}
