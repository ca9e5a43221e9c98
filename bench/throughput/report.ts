import { sum } from 'simple-statistics'
import type { ReceiverDescription } from '../control/protocol.js'
import { machineLine } from '../report/document.js'
import { decimal, gigabits, mebibytes, percent, spreadText, whole } from '../report/format.js'
import type { Estimate } from '../stats/interval.js'
import { HEADER_BYTES } from '../traffic/payload-header.js'
import { WANTED_RECEIVE_BUFFER_BYTES } from '../traffic/streams.js'
import type { ThroughputRun } from './measure.js'
import type { SummaryRow } from './summary.js'

/** Returns what was measured, how, and where. */
export function headLines({ plan, session, receiver, hasFq }: ThroughputRun): string[] {
  const { sizeBytes, batch, segments, rounds, durationSeconds, connect, prepare, seed, packetsPerSecond } = plan
  const { destination, isLocal, interfaceName } = session
  const [streams, perStream] = plan.parallel > 1 ? [`${plan.parallel} streams of `, ' per stream'] : ['', '']
  const spread = spreadText(plan.destinations, plan.grouped)
  const how = `${connect ? 'connected' : 'not connected'}, headers built ${prepare === 'once' ? 'once' : 'for each batch'}`
  const lines = [
    `${streams}datagrams of ${sizeBytes} bytes to ${destination}${isLocal ? ' (a process on this host)' : ''}${spread}`,
    `batch ${batch}, GSO sends of ${segments}, ${how}, rounds: ${rounds} of ${durationSeconds} s each, in random order (seed ${seed})`,
    receiver === null ? 'delivery not measured (--no-control)' : receiverLine('received with', receiver),
    machineLine(),
  ]
  if (packetsPerSecond === undefined) return lines
  const fq = hasFq ? `, and by fq on ${interfaceName} (not dgram, batchconn-dgram)` : ''
  const rate = `${whole(packetsPerSecond)} packets/s${perStream}`
  return [...lines, `paced by the sender at ${rate}, at most ${plan.burstMs} ms of them at once${fq}`]
}

/** Returns the ratios of `compare` in words. */
export function ratioLines(ratios: ThroughputRun['ratios']): string[] {
  const line = (measure: string, candidate: string, ratio: Estimate | null) => {
    const name = `${measure}, batchconn / ${candidate}`
    if (ratio === null) return `${name}: n/a: ${candidate} sent no packets in at least one round`
    const [median, low, high] = [ratio.median, ratio.low, ratio.high].map((value) => decimal(value, 3))
    return `${name}: ${median} (${ratio.confidence < 0.95 ? 'range' : '95 % bootstrap interval'} ${low} - ${high})`
  }
  return [
    ...ratios.map(({ candidate, ratio }) => line('packets per second', candidate, ratio)),
    ...ratios.map(({ candidate, cpuRatio }) => line('packets per CPU second', candidate, cpuRatio)),
  ]
}

/** One column per candidate, one row per quantity. Rows without a value are left out. */
export function summaryRows(summary: readonly SummaryRow[], interfaceName: string | undefined): string[][] {
  const rows = quantities(interfaceName, summary[0]).map(([label, cell]) => [label, ...summary.map(cell)])
  const known = rows.filter(([, ...cells]) => cells.some((cell) => cell !== UNKNOWN))
  return [['', ...summary.map(({ mode }) => mode)], ...known]
}

type Quantity = [label: string, cell: (row: SummaryRow) => string]

function quantities(interfaceName: string | undefined, { mode: first, streams }: SummaryRow): Quantity[] {
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
    ['largest burst', ({ largestBurst }) => orUnknown(largestBurst, whole)],
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
    ...streams.slice(0, MAX_STREAM_ROWS).map((_, index): Quantity => {
      const cell = ({ packets, lost }: SummaryRow['streams'][number]) => `${whole(packets)}, ${orUnknown(lost, whole)}`
      return [`stream ${index + 1} sent, lost`, ({ streams }) => cell(streams[index])]
    }),
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
/** The JSON document has all. */
const MAX_STREAM_ROWS = 16

export function receiverLine(prefix: string, { mode, batch, receiveBufferBytes }: ReceiverDescription): string {
  const buffer = receiveBufferBytes === null ? '' : `, receive buffer ${mebibytes(receiveBufferBytes)}`
  return `${prefix} ${mode}, batch ${batch}${buffer}`
}

export function notesOf({ plan, session, receiver, records, summary }: ThroughputRun): string[] {
  const drops = sum(records.map(({ delivered }) => delivered?.kernelDrops ?? 0))
  const errors = sum(summary.map((row) => row.errors))
  const granted = receiver?.receiveBufferBytes ?? WANTED_RECEIVE_BUFFER_BYTES
  const notes = [
    intervalNote(summary[0]),
    plan.sizeBytes < HEADER_BYTES && `Below ${HEADER_BYTES} bytes, duplicates and order are not measured.`,
    session.isLocal &&
      'On loopback sender and receiver share the cores, and a send succeeds even if the datagram is then dropped.',
    drops > 0 &&
      `The receiver's socket was full for ${whole(drops)} datagrams: lost by the receiver, not by the network.`,
    drops > 0 &&
      granted < WANTED_RECEIVE_BUFFER_BYTES &&
      `Its buffer is ${mebibytes(granted)}: as root, or with a higher net.core.rmem_max, it gets more.`,
    errors > 0 && `${whole(errors)} datagrams were refused: no socket is bound to ${session.destination}.`,
  ]
  return notes.filter((note) => note !== false)
}

function intervalNote({ rounds, packetsPerSecond: { confidence } }: SummaryRow): string {
  const few = `with their range; of ${rounds} rounds it is a ${percent(confidence)} interval (95 % requires six)`
  const interval = rounds === 1 ? '; one round has no interval' : `, ${confidence < 0.95 ? few : 'with 95 % interval'}`
  return `Rates: median of the rounds${interval}. Gbit/s is payload. Counts are sums.`
}

/** Facts that make a figure misleading. */
export function warningsOf(run: ThroughputRun): string[] {
  const skipped = run.skipped.map(({ name, reason }) => `without ${name}: ${reason}`)
  return [...skipped, ...unsplitWarnings(run), ...busyWarnings(run)]
}

/**
 * Warns of GSO rates that no segmentation is part of. A receiver with GRO takes a GSO send as one large packet, whose datagrams
 * cost almost nothing. The interface's packet count shows it.
 */
function unsplitWarnings({ receiver, session: { interfaceName, isLoopback }, summary }: ThroughputRun): string[] {
  if (receiver?.gro !== true) return []
  return summary.flatMap(({ mode, packets, interfacePackets }) => {
    if (interfacePackets === null || interfacePackets * 2 > packets) return []
    const counts = `${interfaceName} counted ${whole(interfacePackets)} packets for ${whole(packets)} datagrams`
    const unless = isLoopback ? '' : `, unless a device behind ${interfaceName} split them`
    return [`${mode}: ${counts}, and the receiver has GRO: they were never split${unless}. The rate is an artefact.`]
  })
}

function busyWarnings({ plan, summary }: ThroughputRun): string[] {
  if (plan.packetsPerSecond !== undefined) return []
  const shares = summary.flatMap(({ mode, cpu, wouldBlock }) => {
    const share = cpu.userShare + cpu.systemShare
    // A sender that waits for a full socket is idle meanwhile.
    return share >= BUSY_SHARE * plan.parallel || wouldBlock > 0 ? [] : [`${mode} ${percent(share)}`]
  })
  if (shares.length === 0) return []
  const of = 'the senders ran for a part of the time only'
  return [
    `Busy machine: ${of} (${shares.join(', ')}), because other programs used the processors. The rates are too low.`,
  ]
}

/** Below this share of a processor, a sender without a rate limit was held up. */
const BUSY_SHARE = 0.85
