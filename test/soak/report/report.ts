import { table } from '../../../bench/report/format.js'
import type { ProcessResult, SoakResult } from '../control/conduct.js'
import { type FlowStatistics, sum } from './flow-statistics.js'
import { mebibytes } from './memory.js'

/** Returns the report: statistics of each flow, memory and descriptors of each process, and the verdict. */
export function reportOf(result: SoakResult): string {
  const { statistics, networks, faults, processes, violations } = result
  return [
    flowTable(statistics),
    '',
    failureLine(statistics),
    ...networks.map(
      ({ name, noPorts, receiveBufferErrors, queueDrops, filterDrops }) =>
        `network ${name}: NoPorts ${noPorts}, RcvbufErrors ${receiveBufferErrors}, dropped by nftables ` +
        `${sum(Object.values(filterDrops))}, dropped by the device queue ${queueDrops}`,
    ),
    ...Object.entries(processes).flatMap(([name, process]) => processLines(name, process)),
    ...Object.entries(faults).map(([name, times]) => `${times} times: ${name}`),
    '',
    ...violations.map((text) => `VIOLATION: ${text}`),
    verdict(result),
  ].join('\n')
}

function flowTable(statistics: readonly FlowStatistics[]): string {
  const head = ['flow', 'offered', 'failed', 'accepted', 'closed port', 'delivered', 'dropped', 'missing']
  const rows = statistics.map((entry) => {
    const { from, to, loss } = entry.flow
    return { name: `${from.name} > ${to.name}${loss === 'none' ? '' : `, ${loss}`}`, numbers: numbersOf(entry) }
  })
  const total = rows
    .map(({ numbers }) => numbers)
    .reduce((one, other) => one.map((value, index) => value + other[index]))
  return table([
    head,
    ...rows.map(({ name, numbers }) => [name, ...numbers.map(String)]),
    ['all flows', ...total.map(String)],
  ])
}

function numbersOf({ sent, failed, received, dropped, missing }: FlowStatistics): number[] {
  const { offered, accepted, toClosedPort } = sent
  return [offered, failed, accepted, toClosedPort, received.delivered, dropped, missing]
}

function failureLine(statistics: readonly FlowStatistics[]): string {
  const failures: Record<string, number> = {}
  for (const { sent } of statistics) {
    for (const [code, count] of Object.entries(sent.failed)) failures[code] = (failures[code] ?? 0) + count
  }
  const codes = Object.entries(failures).map(([code, count]) => `${code} ${count}`)
  const aborted = sum(statistics.map(({ sent }) => sent.aborted))
  const refused = sum(statistics.map(({ sent }) => sent.refused))
  return `reported failures: ${codes.join(', ') || 'none'}; ICMP errors ${refused}; aborted calls of sendAll ${aborted}`
}

function processLines(name: string, { trends, descriptors, signals, churn }: ProcessResult): string[] {
  const { before, after } = descriptors
  const slopes = trends.map(({ kind, trend: { slope, margin }, seconds }) => {
    return `${kind} ${mebibytes(slope * seconds)} ± ${mebibytes(margin * seconds)}`
  })
  const memory = slopes.length === 0 ? 'too few samples of memory' : `memory grew by MiB (99 %): ${slopes.join(', ')}`
  const lines = [`process ${name}: descriptors ${before.length} to ${after.length}, ${signals} signals; ${memory}`]
  if (churn.workers > 0) lines.push(`${churn.workers} terminated workers sent ${churn.datagrams} datagrams`)
  return lines
}

function verdict({ statistics, seconds, seed, isInterrupted, violations }: SoakResult): string {
  const delivered = sum(statistics.map(({ received }) => received.delivered))
  const mebibytesDelivered = mebibytes(sum(statistics.map(({ received }) => received.bytes)))
  const run = `${isInterrupted ? 'interrupted after ' : ''}${seconds.toFixed(1)} s, seed ${seed}`
  const outcome = violations.length === 0 ? 'every datagram is accounted for' : `${violations.length} violations`
  return `soak (${run}): ${outcome}; ${delivered} datagrams, ${mebibytesDelivered} MiB delivered in ${statistics.length} flows`
}
