import { commandLine } from '../cli/run-command.js'
import { decimal, percent, whole } from '../report/format.js'
import type { Estimate } from '../stats/interval.js'
import type { ThroughputRun } from './measure.js'
import type { SummaryRow } from './summary.js'

/** Returns what the table means, in two to four sentences: the cost of preparing, of the call, and what batching and GSO gain. */
export function answerInWords({ plan, summary }: Pick<ThroughputRun, 'plan' | 'summary'>): string[] {
  if (plan.packetsPerSecond !== undefined) return []
  const row = (mode: string) => summary.find((one) => one.mode === mode)
  const [single, batched, gso] = [row('sendmsg'), row('sendmmsg'), row('gso')]
  const sentences = [
    ...costs(single ?? batched, plan.sizeBytes),
    ...(single === undefined || batched === undefined ? [] : batching(single, batched, plan.batch)),
    ...(gso === undefined || gso === summary[0] ? [] : gsoGain(gso, summary[0])),
  ]
  if (sentences.length === 0) return []
  return [
    ...sentences,
    `Each component in detail: ${commandLine('profile')}${plan.sizeBytes > 1472 ? '' : sizeOption(plan.sizeBytes)}`,
  ]
}

function sizeOption(sizeBytes: number): string {
  return sizeBytes === 1400 || sizeBytes < 4 ? '' : ` --size ${sizeBytes}`
}

function costs(row: SummaryRow | undefined, sizeBytes: number): string[] {
  const breakdown = row?.breakdown
  if (row === undefined || breakdown == null) return []
  const { marshalling, crossing, systemCall } = breakdown
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
function batching(single: SummaryRow, batched: SummaryRow, batch: number): string[] {
  const from = `Batching (sendmmsg of ${batch}) sends ${times(batched.ratioToFirst ?? ratioOf(batched, single))} as many packets as sendmsg`
  const [one, many] = [cpuNanoseconds(single), cpuNanoseconds(batched)]
  const n = batched.achievedBatch.median
  if (!(n > 1 && one > 0 && many > 0)) return [`${from}.`]
  const perCall = (one - many) / (1 - 1 / n)
  const perMessage = one - perCall
  if (perCall <= 0) return [`${from}: here a call costs too little for batching to gain anything.`]
  return [
    `${from}. No batch size can gain more than about ${decimal(Math.max(one / perMessage, batched.ratioToFirst?.median ?? 0), 2)} times: ${whole(perMessage)} of the ` +
      `${whole(one)} ns are work on each datagram, which a batch does not share.`,
  ]
}

function gsoGain(gso: SummaryRow, first: SummaryRow): string[] {
  const sent = `GSO sends ${times(gso.ratioToFirst)} as many packets as ${first.mode}`
  if (gso.deliveredRatioToFirst === null) return [`${sent}.`]
  const lost = gso.lost !== null && gso.lost > 0 ? ` (${percent(gso.lost / Math.max(1, gso.packets))} were lost)` : ''
  return [`${sent}; ${times(gso.deliveredRatioToFirst)} as many were delivered${lost}.`]
}

function ratioOf(row: SummaryRow, base: SummaryRow): Estimate | null {
  const { median } = base.packetsPerSecond
  if (median === 0) return null
  const ratio = row.packetsPerSecond.median / median
  return { median: ratio, low: ratio, high: ratio, confidence: 0 }
}

function cpuNanoseconds({ breakdown }: SummaryRow): number {
  if (breakdown === null) return 0
  return breakdown.marshalling.nanoseconds + breakdown.crossing.nanoseconds + breakdown.systemCall.nanoseconds
}

function times(ratio: Estimate | null): string {
  if (ratio === null) return 'an unknown multiple of'
  const { median, low, high } = ratio
  const interval = low === high ? '' : ` [${decimal(low, 2)}, ${decimal(high, 2)}]`
  return `${decimal(median, 2)} times${interval}`
}
