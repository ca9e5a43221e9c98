import type { LatencyPlan } from '../options/latency-options.js'
import { documentHead, machineLine, printResult } from '../report/document.js'
import { percent, whole } from '../report/format.js'
import { table } from '../report/table.js'
import { partialReason, receiverLine } from '../throughput/report.js'
import { type LatencyRow, type LatencyRun, measureLatency, microseconds, QUANTILES } from './measure.js'

/** Measures, and prints the result, also an incomplete one. @throws what ended it early */
export async function printLatency(plan: LatencyPlan, signal: AbortSignal): Promise<void> {
  const run = await measureLatency(plan, signal)
  printResult(
    plan,
    () => latencyDocument(run),
    () => latencyText(run),
  )
  if (run.error !== undefined) throw run.error
}

function latencyDocument(run: LatencyRun): object {
  const { plan, session, receiver, records, summary } = run
  const { json: _json, quiet: _quiet, token: _token, to: _to, bind, ...config } = plan
  return {
    ...documentHead('latency'),
    partial: partialReason(run),
    config: { ...config, to: session.destination, local: session.isLocal, bind: bind ?? null, receiver },
    results: records,
    summary,
    warnings: warningsOf(run),
  }
}

function latencyText(run: LatencyRun): string {
  const { plan, session, receiver, summary } = run
  const { sizeBytes, packetsPerSecond, batch, rounds, durationSeconds, seed } = plan
  const partial = partialReason(run)
  return [
    ...(partial === null ? [] : [`PARTIAL RESULT: ${partial}`, '']),
    `${whole(packetsPerSecond)} requests/s of ${sizeBytes} bytes to ${session.destination}${session.isLocal ? ' (a process on this host)' : ''}`,
    `batch ${batch}, rounds: ${rounds} of ${durationSeconds} s each, in random order (seed ${seed})`,
    receiverLine('answered with', receiver),
    machineLine(),
    '',
    table([['', ...summary.map(({ mode }) => mode)], ...ROWS.map(([label, cell]) => [label, ...summary.map(cell)])]),
    '',
    'Time from when a request is due to its reply, over all rounds; - with too few replies. The client polls.',
    ...warningsOf(run),
  ].join('\n')
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

/** Facts that make a figure misleading. */
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
