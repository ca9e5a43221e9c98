import { sum } from 'simple-statistics'
import { commandLine } from '../cli/run-command.js'
import type { ThroughputPlan } from '../options/throughput-options.js'
import { type Canvas, type Chart, intervalChart, stackChart } from '../report/charts.js'
import { configOf, documentHead } from '../report/document.js'
import { decimal, percent, whole } from '../report/format.js'
import { partialReason, printReport, type Report } from '../report/report.js'
import type { Estimate } from '../stats/interval.js'
import { measureThroughput, type ThroughputRun } from './measure.js'
import { headLines, notesOf, ratioLines, summaryRows, warningsOf } from './report.js'
import { roundsOf, type SummaryRow } from './summary.js'

/** Measures, and prints the result, also an incomplete one. @throws what ended it early */
export async function printThroughput(plan: ThroughputPlan, signal: AbortSignal): Promise<void> {
  const run = await measureThroughput(plan, signal)
  await printReport(plan, throughputReport(run), run.error)
}

export function throughputReport(run: ThroughputRun): Report {
  const { plan, session, receiver, skipped, records, summary, ratios } = run
  const { command } = plan
  const [partial, warnings] = [partialReason(run), warningsOf(run)]
  const answer = command === 'send' ? answerInWords(run) : []
  const config = {
    ...configOf(plan),
    to: session.destination,
    local: session.isLocal,
    skipped,
    kernelPacing: run.hasFq,
    receiver,
  }
  return {
    title: command === 'send' ? 'The cost of a datagram' : 'batchconn and other programs',
    partial,
    facts: headLines(run),
    tables: { all: [{ title: '', rows: summaryRows(summary, session.interfaceName) }] },
    lists: [['', [...ratioLines(ratios), ...notesOf(run)]]],
    warnings,
    answer: ['', answer],
    charts: (canvas) => chartsOf(canvas, run),
    document: {
      ...{ ...documentHead(command), partial, config, results: records, summary },
      ...(command === 'send' ? { answer } : { ratios }),
      warnings,
    },
    results: records,
  }
}

function chartsOf(canvas: Canvas, { summary, records, ratios }: ThroughputRun): Chart[] {
  const rates = (of: 'packetsPerSecond' | 'deliveredPerSecond') =>
    summary.map(({ mode: name, [of]: value }) => {
      return { name, value, points: roundsOf(name, records).map((one) => one[of]) }
    })
  return [
    ...intervalChart(canvas, {
      ...{ id: 'rates', title: 'Packets per second', label: 'per second', format: whole },
      caption: MEDIANS,
      rows: rates('packetsPerSecond'),
    }),
    ...intervalChart(canvas, {
      ...{ id: 'delivered', title: 'Delivered per second', label: 'per second', format: whole },
      caption: `What the receiver got. ${MEDIANS}`,
      rows: rates('deliveredPerSecond'),
    }),
    ...intervalChart(canvas, {
      ...{ id: 'ratios', title: 'Packets sent by batchconn, per packet of the other', label: 'ratio', reference: 1 },
      caption: 'Above 1, batchconn sends more. Medians of the rounds’ ratios; (CPU): per second of processor time.',
      format: (value) => decimal(value, 3),
      rows: ratios.flatMap(({ candidate, ratio, cpuRatio }) => [
        { name: candidate, value: ratio },
        { name: `${candidate} (CPU)`, value: cpuRatio },
      ]),
    }),
    stackChart(canvas, {
      ...{ id: 'breakdown', title: 'Processor time per packet', label: 'nanoseconds per packet' },
      caption:
        'Preparing the structures (marshalling), crossing from JavaScript into C, and the system call, most of which is ' +
        'the work of the kernel. The time of other programs and of node:dgram is not divided.',
      rows: summary.map(stackRow),
    }),
  ]
}

function stackRow({ mode: name, breakdown, cpu, nanosecondsPerPacket }: SummaryRow) {
  const all = (cpu.userShare + cpu.systemShare) * (nanosecondsPerPacket?.median ?? 0)
  const parts =
    breakdown === null
      ? [{ label: 'not divided', color: '#8c8c8c', value: all, share: 1 }]
      : PARTS.map(([key, label, color]) => ({ label, color, value: breakdown[key].nanoseconds, ...breakdown[key] }))
  return {
    name,
    label: `${whole(parts.reduce((sum, { value }) => sum + value, 0))} ns`,
    parts: parts.map((part) => ({ ...part, note: `${decimal(part.value, 1)} ns (${percent(part.share)})` })),
  }
}

const PARTS = [
  ['marshalling', 'marshalling', '#e69f00'],
  ['crossing', 'FFI crossing', '#d55e00'],
  ['systemCall', 'system call', '#0072b2'],
] as const
const MEDIANS = 'Medians of the rounds with their intervals; each small dot is a round.'

/** Returns what the table means, in two to four sentences: the cost of preparing, of the call, and what batching and GSO gain. */
export function answerInWords({ plan, summary }: Pick<ThroughputRun, 'plan' | 'summary'>): string[] {
  const { packetsPerSecond, sizeBytes, batch } = plan
  if (packetsPerSecond !== undefined) return []
  const row = (mode: string) => summary.find((one) => one.mode === mode)
  const [single, batched, gso] = [row('sendmsg'), row('sendmmsg'), row('gso')]
  const sentences = [
    ...costs(single ?? batched, sizeBytes),
    ...(single === undefined || batched === undefined ? [] : [batching(single, batched, batch)]),
    ...(gso === undefined || gso === summary[0] ? [] : [gsoGain(gso, summary[0])]),
  ]
  const size = sizeBytes === 1400 || sizeBytes < 4 || sizeBytes > 1472 ? '' : ` --size ${sizeBytes}`
  return sentences.length === 0 ? [] : [...sentences, `Each component in detail: ${commandLine('profile')}${size}`]
}

function costs(row: SummaryRow | undefined, sizeBytes: number): string[] {
  if (row === undefined || row.breakdown === null) return []
  const { marshalling, crossing, systemCall } = row.breakdown
  return [
    `With ${row.mode}, a ${whole(sizeBytes)}-byte datagram takes ${whole(cpuNanoseconds(row))} ns of processor time: ` +
      `${percent(marshalling.share)} for preparing the structures (marshalling), ${percent(crossing.share)} for the FFI ` +
      `crossing, ${percent(systemCall.share)} for the system call.`,
  ]
}

/**
 * The cost of a batch of n is a + b·n: a per call, b per message. Two measured points give both, and a/b is the most that any
 * batch size can gain over batches of one.
 */
function batching(single: SummaryRow, batched: SummaryRow, batch: number): string {
  const plain = batched.packetsPerSecond.median / single.packetsPerSecond.median
  const ratio = batched.ratioToFirst ?? { median: plain, low: plain, high: plain }
  const from = `Batching (sendmmsg of ${batch}) sends ${times(ratio)} as many packets as sendmsg`
  const [one, many] = [cpuNanoseconds(single), cpuNanoseconds(batched)]
  const n = batched.achievedBatch.median
  if (!(n > 1 && one > 0 && many > 0)) return `${from}.`
  const perCall = (one - many) / (1 - 1 / n)
  const perMessage = one - perCall
  if (perCall <= 0) return `${from}: here a call costs too little for batching to gain anything.`
  const most = decimal(Math.max(one / perMessage, batched.ratioToFirst?.median ?? 0), 2)
  return (
    `${from}. No batch size can gain more than about ${most} times: ${whole(perMessage)} of the ${whole(one)} ns are work on ` +
    'each datagram, which a batch does not share.'
  )
}

function gsoGain({ ratioToFirst, deliveredRatioToFirst, lost, packets }: SummaryRow, first: SummaryRow): string {
  const sent = `GSO sends ${times(ratioToFirst)} as many packets as ${first.mode}`
  if (deliveredRatioToFirst === null) return `${sent}.`
  const share = lost !== null && lost > 0 ? ` (${percent(lost / Math.max(1, packets))} were lost)` : ''
  return `${sent}; ${times(deliveredRatioToFirst)} as many were delivered${share}.`
}

function cpuNanoseconds({ breakdown }: SummaryRow): number {
  return breakdown === null ? 0 : sum(Object.values(breakdown).map(({ nanoseconds }) => nanoseconds))
}

function times(ratio: Pick<Estimate, 'median' | 'low' | 'high'> | null): string {
  if (ratio === null || !Number.isFinite(ratio.median)) return 'an unknown multiple of'
  const [median, low, high] = [ratio.median, ratio.low, ratio.high].map((value) => decimal(value, 2))
  return `${median} times${low === high ? '' : ` [${low}, ${high}]`}`
}
