import { documentHead, machineLine, printDocument } from '../report/document.js'
import { decimal, gigabits, percent, whole } from '../report/format.js'
import { table } from '../report/table.js'
import type { Estimate } from '../stats/median.js'
import { answerInWords } from './answer.js'
import { measureThroughput, type ThroughputRun } from './measure.js'
import { notesOf, receiverLine, warningsOf } from './notes.js'
import type { ThroughputPlan } from './plan.js'
import { packetsPerCpuSecond, rateRatio, roundsOf, type SummaryRow } from './summary.js'

/** How many times as many packets per second the first candidate sends as another one. */
interface CandidateRatio {
  readonly candidate: string
  /** Null if the other one sent no packets in at least one round. */
  readonly ratio: Estimate | null
  /** The same per second of processor time. */
  readonly cpuRatio: Estimate | null
}

/** Measures, and prints the result, also an incomplete one. @throws what ended it early */
export async function printThroughput(plan: ThroughputPlan, signal: AbortSignal): Promise<void> {
  const run = await measureThroughput(plan, signal)
  if (plan.json) printDocument(throughputDocument(run))
  else process.stdout.write(`${throughputText(run)}\n`)
  if (run.error !== undefined) throw run.error
}

/** Returns the JSON document. */
export function throughputDocument(run: ThroughputRun): object {
  const { plan, session, receiver, skipped, records, summary } = run
  const { command, json: _json, quiet: _quiet, token: _token, to: _to, bind, packetsPerSecond, ...config } = plan
  return {
    ...documentHead(command),
    partial: partialReason(run),
    config: {
      ...config,
      to: session.destination,
      local: session.isLocal,
      skipped,
      bind: bind ?? null,
      packetsPerSecond: packetsPerSecond ?? null,
      receiver,
    },
    results: records,
    summary,
    ...(command === 'compare' ? { ratios: ratiosOf(run) } : { answer: answerInWords(run) }),
    warnings: warningsOf(run),
  }
}

/** Returns the report as text. */
export function throughputText(run: ThroughputRun): string {
  const { plan, session, receiver, summary } = run
  const { sizeBytes, batch, segments, rounds, durationSeconds, connect, prepare, seed, packetsPerSecond } = plan
  const how = `${connect ? 'connected' : 'not connected'}, headers built ${prepare === 'once' ? 'once' : 'for each batch'}`
  const partial = partialReason(run)
  const ratios = plan.command === 'compare' ? ratiosOf(run) : []
  return [
    ...(partial === null ? [] : [`PARTIAL RESULT: ${partial}`, '']),
    `datagrams of ${sizeBytes} bytes to ${session.destination}${session.isLocal ? ' (a process on this host)' : ''}`,
    `batch ${batch}, GSO sends of ${segments}, ${how}, rounds: ${rounds} of ${durationSeconds} s each, in random order (seed ${seed})`,
    receiver === null ? 'delivery not measured (--no-control)' : receiverLine('received with', receiver),
    machineLine(),
    ...(packetsPerSecond === undefined ? [] : [`paced at ${whole(packetsPerSecond)} packets/s`]),
    '',
    summaryTable(summary, session.interfaceName),
    '',
    ...ratios.map(({ candidate, ratio }) => ratioLine('packets per second', candidate, ratio)),
    ...ratios.map(({ candidate, cpuRatio }) => ratioLine('packets per CPU second', candidate, cpuRatio)),
    ...notesOf(run),
    ...(plan.command === 'send' ? ['', ...answerInWords(run)] : []),
  ].join('\n')
}

/** Describes why a run is incomplete; null if it is complete. */
function partialReason({ plan, rounds, error }: ThroughputRun): string | null {
  if (error === undefined) return null
  return `${rounds} of ${plan.rounds} rounds are complete (${(error as Error).message.split('\n', 1)[0]})`
}

function ratiosOf({ summary: [first, ...others], records, random }: ThroughputRun): CandidateRatio[] {
  const own = roundsOf(first.mode, records)
  return others.map(({ mode: candidate }) => {
    const rounds = roundsOf(candidate, records)
    return {
      candidate,
      ratio: rateRatio(own, rounds, random),
      cpuRatio: rateRatio(own, rounds, random, packetsPerCpuSecond),
    }
  })
}

function ratioLine(measure: string, candidate: string, ratio: Estimate | null): string {
  const name = `${measure}, batchconn / ${candidate}`
  if (ratio === null) return `${name}: n/a: ${candidate} sent no packets in at least one round`
  const [median, low, high] = [ratio.median, ratio.low, ratio.high].map((value) => decimal(value, 3))
  const interval = ratio.confidence < 0.95 ? 'range' : '95 % bootstrap interval'
  return `${name}: ${median} (${interval} ${low} - ${high})`
}

/** One column per candidate, one row per quantity. Rows without a value are left out. */
export function summaryTable(summary: readonly SummaryRow[], interfaceName: string | undefined): string {
  const rows = quantities(interfaceName, summary[0].mode).map(([label, cell]) => [label, ...summary.map(cell)])
  const known = rows.filter(([, ...cells]) => cells.some((cell) => cell !== UNKNOWN))
  return table([['', ...summary.map(({ mode }) => mode)], ...known])
}

function quantities(interfaceName: string | undefined, first: string): [string, (row: SummaryRow) => string][] {
  const ratio = (value: number) => decimal(value, 3)
  const component = (name: keyof NonNullable<SummaryRow['breakdown']>) => (row: SummaryRow) =>
    orUnknown(row.breakdown, (all) => `${decimal(all[name].nanoseconds, 1)} ns (${percent(all[name].share)})`)
  return [
    ['packets/s', ({ packetsPerSecond }) => estimate(packetsPerSecond, whole)],
    ['Gbit/s', ({ bitsPerSecond }) => estimate(bitsPerSecond, gigabits)],
    ['ns per packet', ({ nanosecondsPerPacket }) => estimate(nanosecondsPerPacket, whole)],
    [`ratio to ${first}`, ({ mode, ratioToFirst }) => (mode === first ? '1' : estimate(ratioToFirst, ratio))],
    ['delivered/s', ({ deliveredPerSecond }) => estimate(deliveredPerSecond, whole)],
    [
      `delivered, ratio to ${first}`,
      ({ mode, delivered, deliveredRatioToFirst }) =>
        mode === first && delivered !== null ? '1' : estimate(deliveredRatioToFirst, ratio),
    ],
    ['marshalling', component('marshalling')],
    ['FFI crossing', component('crossing')],
    ['system call', component('systemCall')],
    ['system calls', ({ systemCalls }) => whole(systemCalls)],
    ['achieved batch', ({ achievedBatch }) => decimal(achievedBatch.median, 2)],
    ['user CPU', ({ cpu }) => percent(cpu.userShare)],
    ['system CPU', ({ cpu }) => percent(cpu.systemShare)],
    ['sent', ({ packets }) => whole(packets)],
    ['delivered', ({ delivered }) => orUnknown(delivered, whole)],
    [
      'lost',
      ({ lost, packets }) => orUnknown(lost, (value) => `${whole(value)} (${percent(value / Math.max(1, packets))})`),
    ],
    [`${interfaceName} counted`, ({ interfacePackets }) => orUnknown(interfacePackets, whole)],
    [`${interfaceName} dropped`, ({ interfaceDropped }) => unlessZero(interfaceDropped ?? 0)],
    ['errors', ({ errors }) => unlessZero(errors)],
  ]
}

/** A median with its interval; the median alone if there is one value. */
function estimate(value: Estimate | null, format: (value: number) => string): string {
  return orUnknown(value, ({ median, low, high }) =>
    low === high ? format(median) : `${format(median)} (${format(low)} - ${format(high)})`,
  )
}

function unlessZero(count: number): string {
  return count === 0 ? UNKNOWN : whole(count)
}

function orUnknown<T>(value: T | null, format: (value: T) => string): string {
  return value === null ? UNKNOWN : format(value)
}

const UNKNOWN = '-'
