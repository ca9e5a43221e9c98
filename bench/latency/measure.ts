import { randomInt } from 'node:crypto'
import { sum } from 'simple-statistics'
import { Progress } from '../cli/progress.js'
import { measureEach } from '../engine/rounds.js'
import type { LatencyMode, LatencyPlan } from '../options/throughput-options.js'
import { type Canvas, type Chart, percentileChart } from '../report/charts.js'
import { configOf, documentHead, machineLine } from '../report/document.js'
import { decimal, percent, whole } from '../report/format.js'
import { partialReason, printReport, type Report } from '../report/report.js'
import { Histogram } from '../stats/histogram.js'
import { receiverLine } from '../throughput/report.js'
import { openSession } from '../throughput/session.js'
import { type Exchange, exchange, openRequester, type Requester } from './exchange.js'

/** `error` is what ended the measurement early, undefined if it is complete; `rounds` is the number of complete rounds. */
type LatencyRun = Awaited<ReturnType<typeof measureLatency>>

/** docs/json-report.md describes each key. */
export type LatencyRow = ReturnType<typeof latencyRow>
export type LatencyRecord = LatencyRow & { readonly round: number }

/** Measures all modes. @throws Failure or the signal's reason, if that happens before the first result */
async function measureLatency(plan: LatencyPlan, signal: AbortSignal) {
  const progress = new Progress(plan.quiet)
  await using session = await openSession({ ...plan, control: true, parallel: 1 }, progress, signal)
  const [control] = session.controls
  const { modes, sizeBytes, packetsPerSecond, omitSeconds, durationSeconds } = plan
  const requesters = new Map<LatencyMode, Requester>()
  try {
    for (const mode of modes) requesters.set(mode, await openRequester(mode, { ...plan, ...session, connect: true }))
    if (omitSeconds > 0) progress.say(`warming up: ${modes.join(', ')}`)
    const run = async ([mode, requester]: [LatencyMode, Requester], round: number): Promise<LatencyRecord> => {
      const seconds = round === 0 ? omitSeconds : durationSeconds
      const stream = randomInt(1, 2 ** 32)
      await control.start({ stream, sizeBytes, mode, seconds, warmUp: round === 0, echo: true })
      const result = await exchange(requester, packetsPerSecond, stream, seconds, signal)
      await control.stop(result.sent)
      const row = latencyRow(mode, seconds, result)
      const [p50, p99] = [row.nanoseconds.p50, row.nanoseconds.p99].map(microseconds)
      const text = `${mode}: p50 ${p50} us, p99 ${p99} us, lost ${whole(row.lost)}`
      if (round > 0) progress.say(`round ${round} of ${plan.rounds}, ${text}`)
      return { round, ...row }
    }
    const measured = await measureEach([...requesters], plan, signal, run)
    const byMode = modes.map((mode) => measured.records.filter((record) => record.mode === mode))
    // One per mode that was measured: the sums of its rounds.
    const summary = byMode.filter(([first]) => first !== undefined).map(sumOf)
    return { plan, session, receiver: control.description, ...measured, summary }
  } finally {
    for (const requester of requesters.values()) requester.close()
  }
}

function latencyRow(mode: LatencyMode, seconds: number, { due, sent, latencies }: Exchange) {
  return {
    mode,
    seconds,
    due,
    sent,
    replies: latencies.total,
    lost: sent - latencies.total,
    nanoseconds: Object.fromEntries(
      Object.entries(QUANTILES).map(([name, share]) => [name, latencies.quantile(share)]),
    ),
    histogram: latencies.buckets(),
  }
}

/** Adds the rounds of one mode: their histograms, never their percentiles. */
function sumOf(rows: readonly LatencyRow[]): LatencyRow {
  const latencies = new Histogram(rows.flatMap(({ histogram }) => histogram))
  const total = (key: 'seconds' | 'due' | 'sent') => sum(rows.map((row) => row[key]))
  return latencyRow(rows[0].mode, total('seconds'), { due: total('due'), sent: total('sent'), latencies })
}

export function microseconds(nanoseconds: number | null): string {
  return nanoseconds === null ? '-' : decimal(nanoseconds / 1000, 1)
}

/** The reported shares of replies, by name. */
export const QUANTILES = { p50: 0.5, p90: 0.9, p99: 0.99, 'p99.9': 0.999, 'p99.99': 0.9999, max: 1 } as const

/** Measures, and prints the result, also an incomplete one. @throws what ended it early */
export async function printLatency(plan: LatencyPlan, signal: AbortSignal): Promise<void> {
  const run = await measureLatency(plan, signal)
  await printReport(plan, latencyReport(run), run.error)
}

export function latencyReport(run: LatencyRun): Report {
  const { plan, session, receiver, records, summary } = run
  const { sizeBytes, packetsPerSecond, batch, rounds, durationSeconds, seed } = plan
  const { destination, isLocal } = session
  const [partial, warnings] = [partialReason(run), warningsOf(run)]
  const heads = ['', ...summary.map(({ mode }) => mode)]
  const rows = [heads, ...ROWS.map(([label, cell]) => [label, ...summary.map(cell)])]
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
    tables: { latency: [{ title: '', rows }] },
    lists: [
      [
        '',
        ['Time from when a request is due to its reply, over all rounds; - with too few replies. The client polls.'],
      ],
    ],
    warnings,
    answer: ['', []],
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
  const late = summary.filter(({ due, sent }) => sent < due)
  const lossy = summary.filter(({ lost }) => lost > 0)
  return [
    ...late.map(
      ({ mode, due, sent }) =>
        `${mode}: ${whole(due - sent)} requests were due and not sent: it cannot keep this rate.`,
    ),
    ...lossy.map(({ mode, lost }) => `${mode}: the latency of ${whole(lost)} lost requests is not included.`),
    ...(session.isLocal ? ['On loopback client and receiver share the cores.'] : []),
  ]
}

/** From 0 to 99.99 %, at equal distances on the chart's axis: four points per nine. */
const CHART_SHARES = Array.from({ length: 17 }, (_, index) => 1 - 10 ** (-index / 4))
