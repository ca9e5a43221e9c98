import type { ReceiverDescription } from '../control/protocol.js'
import { mebibytes, percent, whole } from '../report/format.js'
import { HEADER_BYTES } from '../traffic/payload-header.js'
import { WANTED_RECEIVE_BUFFER_BYTES } from '../traffic/receiver.js'
import type { ThroughputRun } from './measure.js'

/** Describes a receiver in one line. */
export function receiverLine(prefix: string, { mode, batch, receiveBufferBytes }: ReceiverDescription): string {
  const buffer = receiveBufferBytes === null ? '' : `, receive buffer ${mebibytes(receiveBufferBytes)}`
  return `${prefix} ${mode}, batch ${batch}${buffer}`
}

/** Everything to know when reading the table. */
export function notesOf(run: ThroughputRun): string[] {
  const { plan, session, records, summary } = run
  const lines = [intervalNote(run)]
  if (plan.sizeBytes < HEADER_BYTES) lines.push(`Below ${HEADER_BYTES} bytes, duplicates and order are not measured.`)
  if (session.isLocal) {
    lines.push(
      'On loopback sender and receiver share the cores, and a send succeeds even if the datagram is then dropped.',
    )
  }
  const drops = records.reduce((sum, record) => sum + (record.delivered?.kernelDrops ?? 0), 0)
  if (drops > 0) {
    lines.push(
      `The receiver's socket was full for ${whole(drops)} datagrams: lost by the receiver, not by the network.`,
    )
    const granted = run.receiver?.receiveBufferBytes ?? WANTED_RECEIVE_BUFFER_BYTES
    if (granted < WANTED_RECEIVE_BUFFER_BYTES) {
      lines.push(`Its buffer is ${mebibytes(granted)}: as root, or with a higher net.core.rmem_max, it gets more.`)
    }
  }
  const errors = summary.reduce((sum, row) => sum + row.errors, 0)
  if (errors > 0) lines.push(`${whole(errors)} datagrams were refused: no socket is bound to ${session.destination}.`)
  return [...lines, ...warningsOf(run)]
}

/** States which interval the rates have. */
function intervalNote({ summary }: ThroughputRun): string {
  const { rounds, packetsPerSecond } = summary[0]
  const text = 'Rates: median of the rounds'
  if (rounds === 1) return `${text}; one round has no interval. Gbit/s is payload. Counts are sums.`
  const { confidence } = packetsPerSecond
  const interval =
    confidence < 0.95
      ? `with their range; of ${rounds} rounds it is a ${percent(confidence)} interval (95 % requires six)`
      : 'with 95 % interval'
  return `${text}, ${interval}. Gbit/s is payload. Counts are sums.`
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

/** Warns of candidates that did not have the processor for themselves. */
function busyWarnings({ plan, summary }: ThroughputRun): string[] {
  if (plan.packetsPerSecond !== undefined) return []
  const shares = summary.flatMap(({ mode, cpu, wouldBlock }) => {
    const share = cpu.userShare + cpu.systemShare
    // A sender that waits for a full socket is idle meanwhile.
    return share >= BUSY_SHARE || wouldBlock > 0 ? [] : [`${mode} ${percent(share)}`]
  })
  if (shares.length === 0) return []
  const of = 'the senders ran for a part of the time only'
  return [
    `Busy machine: ${of} (${shares.join(', ')}), because other programs used the processors. The rates are too low.`,
  ]
}

/** Below this share of a processor, a sender without a rate limit was held up. */
const BUSY_SHARE = 0.85
