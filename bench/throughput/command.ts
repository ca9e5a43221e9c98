import type { ThroughputPlan } from '../options/throughput-options.js'
import { type Canvas, type Chart, intervalChart, stackChart } from '../report/charts.js'
import { configOf, documentHead } from '../report/document.js'
import { decimal, percent, whole } from '../report/format.js'
import { partialReason, printReport, type Report } from '../report/report.js'
import { answerInWords } from './answer.js'
import { measureThroughput, type ThroughputRun } from './measure.js'
import { headLines, notesOf, ratioLines, summaryRows, warningsOf } from './report.js'
import { roundsOf, type SummaryRow } from './summary.js'

/** Measures, and prints the result, also an incomplete one. @throws what ended it early */
export async function printThroughput(plan: ThroughputPlan, signal: AbortSignal): Promise<void> {
  const run = await measureThroughput(plan, signal)
  await printReport(plan, throughputReport(run))
  if (run.error !== undefined) throw run.error
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
    rows: summaryRows(summary, session.interfaceName),
    notes: [...ratioLines(ratios), ...notesOf(run)],
    warnings,
    answer,
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
