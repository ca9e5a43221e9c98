import { isIPv6 } from 'node:net'
import type { Endpoint } from '../../src/index.js'
import type { RecvOptions } from '../options/recv-options.js'
import type { ReceiverDescription } from '../peers/control-protocol.js'
import { describeMachine } from '../peers/machine.js'
import type { ReceiveRow } from '../runner/receive-round.js'
import { SCHEMA_VERSION } from './document.js'
import { decimal, gigabits, mebibytes, percent, whole } from './format.js'
import { summarize } from './summary.js'

/** One line: where it listens, and how. */
export function listeningLine(at: Endpoint, { mode, batch, receiveBufferBytes }: ReceiverDescription): string {
  const buffer = receiveBufferBytes === null ? '' : `, receive buffer ${mebibytes(receiveBufferBytes)}`
  return `listening on ${at}: ${mode}, batch ${batch}${buffer}`
}

/** One line: what became of a stream. */
export function rowLine({
  sender,
  delivered,
  packets,
  packetsPerSecond,
  bitsPerSecond,
  achievedBatch,
}: ReceiveRow): string {
  const from = sender.address === null ? 'a blind sender' : bracketed(sender.address)
  const mode = sender.mode === null ? '' : ` (${sender.mode})`
  const facts = [
    `delivered ${whole(packets)}`,
    `${whole(packetsPerSecond)} packets/s`,
    `${gigabits(bitsPerSecond)} Gbit/s`,
    `batch ${decimal(achievedBatch, 1)}`,
  ]
  if (delivered !== null) {
    const { lost, reordered, duplicated, jitterMicroseconds, kernelDrops, truncated } = delivered
    facts.push(`lost ${whole(lost)} (${percent(lost / Math.max(1, lost + packets))})`)
    if (reordered !== null) facts.push(`reordered ${whole(reordered)}`)
    if (duplicated !== null) facts.push(`duplicated ${whole(duplicated)}`)
    if (jitterMicroseconds !== null) facts.push(`jitter ${decimal(jitterMicroseconds, 1)} us`)
    if (kernelDrops !== null) facts.push(`kernel drops ${whole(kernelDrops)}`)
    if (truncated > 0) facts.push(`truncated ${whole(truncated)}`)
  }
  return `from ${from}${mode}: ${facts.join(', ')}`
}

/** The JSON document. */
export function recvDocument(options: RecvOptions, at: Endpoint, who: ReceiverDescription, rows: ReceiveRow[]): object {
  const { batch, sizeBytes, durationSeconds = null, intervalSeconds, control } = options
  return {
    schemaVersion: SCHEMA_VERSION,
    command: 'recv',
    config: { listen: at, ...who, batch, sizeBytes, durationSeconds, intervalSeconds, control },
    machine: describeMachine(),
    results: rows,
    summary: rows.length === 0 ? [] : summarize([who.mode], rows, () => 0.5),
  }
}

/** As it is written in front of a port. */
function bracketed(address: string): string {
  return isIPv6(address) ? `[${address}]` : address
}
