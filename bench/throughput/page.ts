import { openCanvas } from '../report/canvas.js'
import { type IntervalRow, intervalChart, type StackRow, stackChart } from '../report/charts.js'
import { decimal, percent, whole } from '../report/format.js'
import { chartHtml, listHtml, pageHtml, tableHtml } from '../report/html.js'
import type { Estimate } from '../stats/interval.js'
import { answerInWords } from './answer.js'
import type { ThroughputRun } from './measure.js'
import { headLines, notesOf, partialReason, summaryRows, warningsOf } from './report.js'
import { roundsOf, type SummaryRow } from './summary.js'

/** Returns a run as an HTML page. @param document - its JSON document, which the page contains */
export async function throughputPage(run: ThroughputRun, document: object): Promise<string> {
  const { plan, session, summary, records, ratios } = run
  const canvas = await openCanvas()
  const partial = partialReason(run)
  const rates = (of: 'packetsPerSecond' | 'deliveredPerSecond') =>
    summary.flatMap(({ mode, [of]: value }) =>
      intervalRow(
        mode,
        value,
        whole,
        roundsOf(mode, records).map((one) => one[of]),
      ),
    )
  const ratio = (value: number) => decimal(value, 3)
  const intervals = [
    { id: 'rates', title: 'Packets per second', axis: RATE_AXIS, rows: rates('packetsPerSecond'), caption: MEDIANS },
    {
      ...{ id: 'delivered', title: 'Delivered per second', axis: RATE_AXIS, rows: rates('deliveredPerSecond') },
      caption: `What the receiver got. ${MEDIANS}`,
    },
    {
      ...{
        id: 'ratios',
        title: 'Packets sent by batchconn, per packet of the other',
        axis: { label: 'ratio', reference: 1 },
      },
      rows: ratios.flatMap(({ candidate, ...one }) => [
        ...intervalRow(candidate, one.ratio, ratio),
        ...intervalRow(`${candidate} (CPU)`, one.cpuRatio, ratio),
      ]),
      caption:
        'Above 1, batchconn sends more. Medians of the ratios of the rounds with their intervals; (CPU): per second of processor time.',
    },
  ].filter(({ rows }) => rows.length > 0)
  const charts = [
    ...intervals.map(({ axis, rows, ...frame }) => intervalChart(canvas, frame, axis, rows)),
    stackChart(canvas, TIME_FRAME, 'nanoseconds per packet', summary.map(stackRow)),
  ]
  const answer = plan.command === 'send' ? answerInWords(run) : []
  return pageHtml({
    title: plan.command === 'send' ? 'The cost of a datagram' : 'batchconn and other programs',
    problems: [...(partial === null ? [] : [`Partial result: ${partial}`]), ...warningsOf(run)],
    facts: headLines(run),
    body: [
      listHtml('What it means', answer),
      ...charts.map(chartHtml),
      tableHtml({ title: 'All quantities', rows: summaryRows(summary, session.interfaceName) }),
      listHtml('Notes', notesOf(run)),
    ],
    data: JSON.stringify(document, null, 2),
  })
}

function intervalRow(
  name: string,
  estimate: Estimate | null,
  format: (value: number) => string,
  values: readonly (number | null)[] = [],
): IntervalRow[] {
  if (estimate === null) return []
  const { median, low, high } = estimate
  return [{ name, estimate: median, low, high, values, label: format(median) }]
}

function stackRow({ mode, breakdown, cpu, nanosecondsPerPacket }: SummaryRow): StackRow {
  const part = (label: string, color: string, value: number, share: number) => ({
    ...{ label, color, value },
    note: `${decimal(value, 1)} ns (${percent(share)})`,
  })
  const busy = (cpu.userShare + cpu.systemShare) * (nanosecondsPerPacket?.median ?? 0)
  const parts =
    breakdown === null
      ? [part('not divided', '#8c8c8c', busy, 1)]
      : PARTS.map(([name, label, color]) => part(label, color, breakdown[name].nanoseconds, breakdown[name].share))
  return { name: mode, parts, label: `${whole(parts.reduce((sum, { value }) => sum + value, 0))} ns` }
}

const PARTS = [
  ['marshalling', 'marshalling', '#e69f00'],
  ['crossing', 'FFI crossing', '#d55e00'],
  ['systemCall', 'system call', '#0072b2'],
] as const
const RATE_AXIS = { label: 'per second', tickFormat: new Intl.NumberFormat('en-US', { notation: 'compact' }).format }
const MEDIANS = 'Medians of the rounds with their intervals; each small dot is a round.'
const TIME_FRAME = {
  id: 'breakdown',
  title: 'Processor time per packet',
  caption:
    'Preparing the structures (marshalling), crossing from JavaScript into C, and the system call, most of which is the ' +
    'work of the kernel. The time of other programs and of node:dgram is not divided.',
}
