import { openCanvas } from '../report/canvas.js'
import { intervalChart, stackChart } from '../report/charts.js'
import { decimal, percent, whole } from '../report/format.js'
import { chartHtml, listHtml, pageHtml, tableHtml } from '../report/html.js'
import { answerInWords } from './answer.js'
import type { ThroughputRun } from './measure.js'
import { headLines, notesOf, partialReason, summaryRows, warningsOf } from './report.js'
import { roundsOf, type SummaryRow } from './summary.js'

/** Returns a run as an HTML page. @param document - its JSON document, which the page contains */
export async function throughputPage(run: ThroughputRun, document: object): Promise<string> {
  const { plan, session, summary, records, ratios } = run
  const canvas = await openCanvas()
  const rates = (of: 'packetsPerSecond' | 'deliveredPerSecond') =>
    summary.map(({ mode: name, [of]: value }) => {
      return { name, value, points: roundsOf(name, records).map((one) => one[of]) }
    })
  const isSend = plan.command === 'send'
  const charts = [
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
  return pageHtml({
    title: isSend ? 'The cost of a datagram' : 'batchconn and other programs',
    partial: partialReason(run),
    problems: warningsOf(run),
    facts: headLines(run),
    body: [
      listHtml('What it means', isSend ? answerInWords(run) : []),
      ...charts.map(chartHtml),
      tableHtml({ title: 'All quantities', rows: summaryRows(summary, session.interfaceName) }),
      listHtml('Notes', notesOf(run)),
    ],
    data: document,
  })
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
