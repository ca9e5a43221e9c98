import type { LatencyPlan } from '../options/throughput-options.js'
import { type Canvas, type Chart, percentileChart } from '../report/charts.js'
import { configOf, documentHead, machineLine } from '../report/document.js'
import { percent, whole } from '../report/format.js'
import { partialReason, printReport, type Report } from '../report/report.js'
import { Histogram } from '../stats/histogram.js'
import { receiverLine } from '../throughput/report.js'
import { type LatencyRow, type LatencyRun, measureLatency, microseconds, QUANTILES } from './measure.js'

/** Measures, and prints the result, also an incomplete one. @throws what ended it early */
export async function printLatency(plan: LatencyPlan, signal: AbortSignal): Promise<void> {
  const run = await measureLatency(plan, signal)
  await printReport(plan, latencyReport(run))
  if (run.error !== undefined) throw run.error
}

export function latencyReport(run: LatencyRun): Report {
  const { plan, session, receiver, records, summary } = run
  const { sizeBytes, packetsPerSecond, batch, rounds, durationSeconds, seed } = plan
  const { destination, isLocal } = session
  const [partial, warnings] = [partialReason(run), warningsOf(run)]
  const config = { ...configOf(plan), to: destination, local: isLocal, receiver }
  return {
    title: 'The time from request to reply',
    partial,
    facts: [
      `${whole(packetsPerSecond)} requests/s of ${sizeBytes} bytes to ${destination}${isLocal ? ' (a process on this host)' : ''}`,
      `batch ${batch}, rounds: ${rounds} of ${durationSeconds} s each, in random order (seed ${seed})`,
      receiverLine('answered with', receiver),
      machineLine(),
    ],
    rows: [['', ...summary.map(({ mode }) => mode)], ...ROWS.map(([label, cell]) => [label, ...summary.map(cell)])],
    notes: ['Time from when a request is due to its reply, over all rounds; - with too few replies. The client polls.'],
    warnings,
    answer: [],
    charts: (canvas) => chartsOf(canvas, summary),
    document: { ...documentHead('latency'), partial, config, results: records, summary, warnings },
    // A histogram has thousands of cells.
    results: records.map(({ histogram: _, ...record }) => record),
  }
}

function chartsOf(canvas: Canvas, summary: readonly LatencyRow[]): Chart[] {
  const chart = percentileChart(canvas, {
    ...{ id: 'latency', title: 'Latency by percentile', label: 'microseconds' },
    caption:
      'At the percentile p, p percent of the requests were answered within the time shown, from when they were due, over all ' +
      'rounds. Both axes are logarithmic.',
    rows: summary.map(({ mode: name, histogram }) => {
      const latencies = new Histogram(histogram)
      const points = CHART_SHARES.map((share) => ({ share, value: latencies.quantile(share) }))
      return {
        name,
        points: points.flatMap(({ share, value }) => (value === null ? [] : [{ share, value: value / 1000 }])),
      }
    }),
  })
  return [chart]
}

const ROWS: readonly (readonly [string, (row: LatencyRow) => string])[] = [
  ...Object.keys(QUANTILES).map(
    (name) => [`${name} us`, (row: LatencyRow) => microseconds(row.nanoseconds[name])] as const,
  ),
  ['requests/s', ({ sent, seconds }) => whole(sent / seconds)],
  ['requests', ({ sent }) => whole(sent)],
  ['replies', ({ replies }) => whole(replies)],
  ['lost', ({ lost, sent }) => `${whole(lost)} (${percent(lost / Math.max(1, sent))})`],
]

function warningsOf({ session, summary }: LatencyRun): string[] {
  const late = summary.flatMap(({ mode, due, sent }) => {
    return sent === due
      ? []
      : [`${mode}: ${whole(due - sent)} requests were due and not sent: it cannot keep this rate.`]
  })
  const lost = summary.flatMap(({ mode, lost }) => {
    return lost === 0 ? [] : [`${mode}: the latency of ${whole(lost)} lost requests is not included.`]
  })
  const local = session.isLocal ? ['On loopback client and receiver share the cores.'] : []
  return [...late, ...lost, ...local]
}

/** From 0 to 99.99 %, at equal distances on the chart's axis: four points per nine. */
const CHART_SHARES = Array.from({ length: 17 }, (_, index) => 1 - 10 ** (-index / 4))
