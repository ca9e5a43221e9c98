import { median, sum } from 'simple-statistics'
import { type Estimate, medianEstimate } from '../statistics/median.js'
import { pairedRatio } from '../statistics/paired-ratio.js'
import type { Random } from '../workload/random.js'
import type { ResultRow } from './result-row.js'

/** All rounds of one mode. */
export interface SummaryRow {
  readonly mode: string
  readonly rounds: number
  /** Medians of the rounds, with an interval; docs/benchmark.md says which. */
  readonly packetsPerSecond: Estimate
  readonly bitsPerSecond: Estimate
  readonly nanosecondsPerPacket: Estimate | null
  readonly achievedBatch: Estimate
  /** Sums of the rounds. */
  readonly packets: number
  readonly systemCalls: number
  readonly errors: number
  /** Seconds of CPU a second, of the sender. */
  readonly cpu: { readonly userShare: number; readonly systemShare: number }
  /** Null without a control channel. */
  readonly delivered: number | null
  readonly lost: number | null
  /** What the interface counted as sent; null if it is not known. */
  readonly interfacePackets: number | null
  /** What it dropped, on the way out or in: a sink's own count. */
  readonly interfaceDropped: number | null
  /** Packets a second, as a multiple of the first mode's. */
  readonly ratioToFirst: Estimate | null
  /** What preparing a datagram costs, without the system call. */
  readonly prepareNanoseconds: number | null
}

/**
 * A row a mode, in the order of `modes`.
 *
 * @param random - for the bootstrap
 * @param prepareNanoseconds - by mode
 */
export function summarize(
  modes: readonly string[],
  rows: readonly ResultRow[],
  random: Random,
  prepareNanoseconds: Readonly<Record<string, number | null>> = {},
): SummaryRow[] {
  const first = roundsOf(modes[0], rows)
  return modes.map((mode) => {
    const rounds = roundsOf(mode, rows)
    return {
      mode,
      rounds: rounds.length,
      packetsPerSecond: medianEstimate(rounds.map((row) => row.packetsPerSecond)),
      bitsPerSecond: medianEstimate(rounds.map((row) => row.bitsPerSecond)),
      nanosecondsPerPacket: estimateOrNull(rounds.map((row) => row.nanosecondsPerPacket)),
      achievedBatch: medianEstimate(rounds.map((row) => row.achievedBatch)),
      packets: sum(rounds.map((row) => row.packets)),
      systemCalls: sum(rounds.map((row) => row.systemCalls)),
      errors: sum(rounds.map((row) => row.errors)),
      cpu: {
        userShare: median(rounds.map(({ cpu, seconds }) => share(cpu.userSeconds, seconds))),
        systemShare: median(rounds.map(({ cpu, seconds }) => share(cpu.systemSeconds, seconds))),
      },
      delivered: sumOrNull(rounds.map((row) => row.delivered?.delivered)),
      lost: sumOrNull(rounds.map((row) => row.delivered?.lost)),
      interfacePackets: sumOrNull(rounds.map((row) => row.interface?.txPackets)),
      interfaceDropped: sumOrNull(
        rounds.map((row) => row.interface && row.interface.txDropped + row.interface.rxDropped),
      ),
      ratioToFirst: rateRatio(rounds, first, random),
      prepareNanoseconds: prepareNanoseconds[mode] ?? null,
    }
  })
}

/** The rows of one mode, in the order of rounds. */
export function roundsOf(mode: string, rows: readonly ResultRow[]): ResultRow[] {
  return rows.filter((row) => row.mode === mode).sort((a, b) => a.round - b.round)
}

/**
 * How many times as many packets a second, round by round; null if there were rounds with none.
 *
 * @param rate - or how many of something else
 */
export function rateRatio(
  rounds: readonly ResultRow[],
  base: readonly ResultRow[],
  random: Random,
  rate: (row: ResultRow) => number = (row) => row.packetsPerSecond,
): Estimate | null {
  const bases = base.map(rate)
  return bases.includes(0) ? null : pairedRatio(rounds.map(rate), bases, random)
}

/** Packets a second of CPU, the time that others take from this machine left out. */
export function packetsPerCpuSecond({ packets, cpu }: ResultRow): number {
  return share(packets, cpu.userSeconds + cpu.systemSeconds)
}

function estimateOrNull(values: (number | null)[]): Estimate | null {
  const known = values.filter((value) => value !== null)
  return known.length === 0 ? null : medianEstimate(known)
}

/** The sum, if every round knows its part. */
function sumOrNull(values: (number | null | undefined)[]): number | null {
  const known = values.filter((value) => value !== undefined && value !== null)
  return known.length < values.length ? null : sum(known)
}

function share(part: number, whole: number): number {
  return whole > 0 ? part / whole : 0
}
