import type { Endpoint } from '../../src/index.js'
import type { SendOptions } from '../options/send-options.js'
import type { TrafficOptions } from '../options/traffic-options.js'
import type { ReceiverDescription } from '../peers/control-protocol.js'
import { describeMachine } from '../peers/machine.js'
import type { SkippedMode } from '../runner/contenders.js'
import type { Session } from '../runner/session.js'
import { HEADER_BYTES } from '../workload/payload-header.js'
import { SCHEMA_VERSION } from './document.js'
import { decimal, mebibytes, whole } from './format.js'
import type { ResultRow } from './result-row.js'
import type { SummaryRow } from './summary.js'
import { summaryTable } from './summary-table.js'
import { uncutTrainNotes } from './train-notes.js'

/** A run that is over. */
export interface SendRun {
  readonly options: SendOptions
  readonly session: Session
  readonly bind: Endpoint | undefined
  readonly skipped: readonly SkippedMode[]
  readonly rows: readonly ResultRow[]
  readonly summary: readonly SummaryRow[]
}

/** The JSON document. */
export function sendDocument(run: SendRun): object {
  const { options, session, bind, skipped, rows, summary } = run
  const { modes, packetsPerSecond = null } = options
  return {
    schemaVersion: SCHEMA_VERSION,
    command: 'send',
    config: { modes, skippedModes: skipped, ...trafficConfig(options, session), packetsPerSecond, bind: bind ?? null },
    machine: describeMachine(),
    results: rows,
    summary,
    warnings: warnings(run),
  }
}

/** The table, with what it is about above and what to know when reading it below. */
export function sendText(run: SendRun): string {
  const { options, session, summary } = run
  const rate = options.packetsPerSecond
  const pace = rate === undefined ? [] : [`paced at ${whole(rate)} packets/s`]
  const heading = [...trafficHeading(options, session), ...pace]
  return [...heading, '', summaryTable(summary, session.interfaceName), '', ...notes(run)].join('\n')
}

/** What is sent, for the JSON document of any command that sends. */
export function trafficConfig(options: TrafficOptions, session: Session): object {
  const { sizeBytes, batch, segments, durationSeconds, rounds, omitSeconds, connect, prepare, control, seed } = options
  return {
    to: session.destination,
    local: session.isLocal,
    sizeBytes,
    batch,
    segments,
    durationSeconds,
    rounds,
    omitSeconds,
    connect,
    prepare,
    control,
    intervalSeconds: options.intervalSeconds,
    seed,
    receiver: session.control?.description ?? null,
  }
}

/** The same in words. */
export function trafficHeading(options: TrafficOptions, session: Session): string[] {
  const { sizeBytes, batch, segments, rounds, durationSeconds, connect, prepare, seed } = options
  const { kernel, cpu, cores, node, koffi } = describeMachine()
  const how = `${connect ? 'connected' : 'not connected'}, headers built ${prepare === 'once' ? 'once' : 'for each batch'}`
  return [
    `datagrams of ${sizeBytes} bytes to ${session.destination}${session.isLocal ? ' (a process of this host)' : ''}`,
    `batch ${batch}, trains of ${segments}, ${how}, rounds: ${rounds} of ${durationSeconds} s each, in random order (seed ${seed})`,
    ...receiverLines(session.control?.description),
    `Linux ${kernel}, ${cpu}, ${cores} cores, Node ${node}, Koffi ${koffi}`,
  ]
}

/** Who receives, in words. */
function receiverLines(receiver: ReceiverDescription | undefined): string[] {
  if (receiver === undefined) return ['nobody tells what arrived (--no-control)']
  const { mode, batch, receiveBufferBytes } = receiver
  const buffer = receiveBufferBytes === null ? '' : `, receive buffer ${mebibytes(receiveBufferBytes)}`
  return [`received with ${mode}, batch ${batch}${buffer}`]
}

/** What is not as it seems. */
function warnings({ session, skipped, summary }: SendRun): string[] {
  return [...skipped.map(({ name, reason }) => `without ${name}: ${reason}`), ...uncutTrainNotes(session, summary)]
}

/** What to bear in mind when reading this table. */
function notes(run: SendRun): string[] {
  const { options, session, rows, summary } = run
  const lines = ['Rates are the median of the rounds (lowest - highest probable); Gbit/s is payload. Counts are sums.']
  if (options.sizeBytes < HEADER_BYTES) lines.push(`Below ${HEADER_BYTES} bytes nothing tells duplicates and order.`)
  if (session.isLocal)
    lines.push('On loopback the receiver works for the same cores, and a send succeeds though it is lost.')
  const drops = rows.reduce((sum, row) => sum + (row.delivered?.kernelDrops ?? 0), 0)
  if (drops > 0)
    lines.push(`The receiver's socket was full for ${whole(drops)} datagrams: lost to the receiver, not on the way.`)
  const errors = summary.reduce((sum, row) => sum + row.errors, 0)
  if (errors > 0) lines.push(`${decimal(errors, 0)} datagrams were refused: nobody listens at ${session.destination}.`)
  return [...lines, ...warnings(run)]
}
