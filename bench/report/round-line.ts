import { gigabits, percent, whole } from './format.js'
import type { ResultRow } from './result-row.js'

/** One line for a round that is over. */
export function roundLine(row: ResultRow, rounds: number): string {
  const { mode, round, packetsPerSecond, bitsPerSecond, packets, delivered, errors } = row
  const lost = delivered === null ? '' : `, lost ${percent(delivered.lost / Math.max(1, packets))}`
  const failed = errors === 0 ? '' : `, ${whole(errors)} errors`
  return `round ${round} of ${rounds}, ${mode}: ${rate(packetsPerSecond, bitsPerSecond)}${lost}${failed}`
}

/** How far a round is. */
export interface Tick {
  readonly mode: string
  readonly round: number
  readonly rounds: number
  readonly sizeBytes: number
  readonly packets: number
  readonly elapsedSeconds: number
}

/** One line for a round that goes on. */
export function tickLine({ mode, round, rounds, sizeBytes, packets, elapsedSeconds }: Tick): string {
  const packetsPerSecond = packets / elapsedSeconds
  const soFar = rate(packetsPerSecond, packetsPerSecond * sizeBytes * 8)
  return `round ${round} of ${rounds}, ${mode}, after ${elapsedSeconds.toFixed(1)} s: ${soFar}`
}

/** Packets and gigabits a second. */
function rate(packetsPerSecond: number, bitsPerSecond: number): string {
  return `${whole(packetsPerSecond)} packets/s, ${gigabits(bitsPerSecond)} Gbit/s`
}
