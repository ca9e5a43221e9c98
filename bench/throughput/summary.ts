import { max, median, sum } from 'simple-statistics'
import { type Estimate, medianEstimate, ratioEstimate } from '../stats/interval.js'
import type { Random } from '../stats/random.js'
import type { RoundRecord } from '../traffic/round-record.js'

/** What a candidate's calls cost outside the kernel, in nanoseconds. */
export interface CandidateCosts {
  readonly prepareNanoseconds: number | null
  /** Per call, from JavaScript into C; null where calls cannot be attributed. */
  readonly crossingNanoseconds: number | null
}

/** All rounds of one candidate; docs/json-report.md describes each key. */
export type SummaryRow = ReturnType<typeof summarize>[number]

/**
 * Summarizes the rounds, one row per candidate, in the order of `modes`.
 *
 * @param random - for the bootstrap
 * @param costs - by candidate
 */
export function summarize(
  modes: readonly string[],
  records: readonly RoundRecord[],
  random: Random,
  costs: Readonly<Record<string, CandidateCosts | null>> = {},
) {
  const first = roundsOf(modes[0], records)
  return modes.map((mode) => {
    const rounds = roundsOf(mode, records)
    const values = <T>(of: (record: RoundRecord) => T) => rounds.map(of)
    return {
      mode,
      rounds: rounds.length,
      packetsPerSecond: medianEstimate(values((one) => one.packetsPerSecond)),
      bitsPerSecond: medianEstimate(values((one) => one.bitsPerSecond)),
      nanosecondsPerPacket: ofKnown(
        values((one) => one.nanosecondsPerPacket),
        medianEstimate,
      ),
      achievedBatch: medianEstimate(values((one) => one.achievedBatch)),
      packets: sum(values((one) => one.packets)),
      systemCalls: sum(values((one) => one.systemCalls)),
      wouldBlock: sum(values((one) => one.wouldBlock)),
      errors: sum(values((one) => one.errors)),
      largestBurst: ofKnown(
        values((one) => one.largestBurst),
        max,
      ),
      cpu: {
        userShare: median(values(({ cpu, seconds }) => share(cpu.userSeconds, seconds))),
        systemShare: median(values(({ cpu, seconds }) => share(cpu.systemSeconds, seconds))),
      },
      delivered: sumOrNull(values((one) => one.delivered?.delivered)),
      lost: sumOrNull(values((one) => one.delivered?.lost)),
      deliveredPerSecond: ofKnown(
        values((one) => one.deliveredPerSecond),
        medianEstimate,
      ),
      interfacePackets: sumOrNull(values((one) => one.interface?.txPackets)),
      interfaceDropped: sumOrNull(values((one) => one.interface && one.interface.txDropped + one.interface.rxDropped)),
      ratioToFirst: rateRatio(rounds, first, random),
      deliveredRatioToFirst: rateRatio(rounds, first, random, (one) => one.deliveredPerSecond),
      prepareNanoseconds: costs[mode]?.prepareNanoseconds ?? null,
      breakdown: breakdownOf(rounds, costs[mode]),
      streams: streamTotals(rounds),
    }
  })
}

/** Returns the sums of each stream; none if there is only one. */
function streamTotals(rounds: readonly RoundRecord[]) {
  return (rounds[0]?.streams ?? []).map((_, index) => {
    const all = rounds.flatMap(({ streams }) => streams?.[index] ?? [])
    return {
      packets: sum(all.map(({ packets }) => packets)),
      delivered: sumOrNull(all.map(({ delivered }) => delivered?.delivered)),
      lost: sumOrNull(all.map(({ delivered }) => delivered?.lost)),
    }
  })
}

/** Returns the records of one candidate, in the order of rounds. */
export function roundsOf(mode: string, records: readonly RoundRecord[]): RoundRecord[] {
  return records.filter((one) => one.mode === mode).sort((one, other) => one.round - other.round)
}

/**
 * Returns the ratio of two candidates' rates over the rounds in which both are known; null if there is none, or if one of the
 * base's rates is 0.
 *
 * @param rate - what to compare; default packets per second
 */
export function rateRatio(
  rounds: readonly RoundRecord[],
  base: readonly RoundRecord[],
  random: Random,
  rate: (record: RoundRecord) => number | null = (one) => one.packetsPerSecond,
): Estimate | null {
  const ratios = rounds.flatMap((one) => {
    const other = base.find(({ round }) => round === one.round)
    const [value, baseValue] = [rate(one), other === undefined ? null : rate(other)]
    return value === null || baseValue === null ? [] : [value / baseValue]
  })
  // A ratio to zero is not finite.
  return ratios.length > 0 && ratios.every(Number.isFinite) ? ratioEstimate(ratios, random) : null
}

/** Returns how many times as many packets the first candidate sends as each other one, per second and per CPU second. */
export function ratiosToOthers([first, ...others]: readonly string[], records: readonly RoundRecord[], random: Random) {
  const own = roundsOf(first, records)
  return others.map((candidate) => {
    const rounds = roundsOf(candidate, records)
    return {
      candidate,
      ratio: rateRatio(own, rounds, random),
      cpuRatio: rateRatio(own, rounds, random, packetsPerCpuSecond),
    }
  })
}

/** Packets per second of processor time, which other programs on this machine disturb less. */
function packetsPerCpuSecond({ packets, cpu }: RoundRecord): number {
  return share(packets, cpu.userSeconds + cpu.systemSeconds)
}

/** Returns the components of a datagram's processor time; together they are all of it. */
function breakdownOf(rounds: readonly RoundRecord[], costs: CandidateCosts | null | undefined) {
  const { prepareNanoseconds, crossingNanoseconds } = costs ?? {}
  const achievedBatch = median(rounds.map((one) => one.achievedBatch))
  const rate = median(rounds.map(packetsPerCpuSecond))
  if (prepareNanoseconds == null || crossingNanoseconds == null || rate === 0 || achievedBatch === 0) return null
  const whole = 1e9 / rate
  const component = (nanoseconds: number) => ({ nanoseconds, share: nanoseconds / whole })
  const crossing = crossingNanoseconds / achievedBatch
  return {
    marshalling: component(prepareNanoseconds),
    crossing: component(crossing),
    // The rest: the system call, and the loop around it.
    systemCall: component(Math.max(0, whole - prepareNanoseconds - crossing)),
  }
}

/** Returns null if nothing is known. */
function ofKnown<T>(values: (number | null)[], summary: (known: number[]) => T): T | null {
  const known = values.filter((value) => value !== null)
  return known.length === 0 ? null : summary(known)
}

/** Returns the sum; null if a part is unknown. */
export function sumOrNull(values: (number | null | undefined)[]): number | null {
  const known = values.filter((value) => value !== undefined && value !== null)
  return known.length < values.length ? null : sum(known)
}

function share(part: number, whole: number): number {
  return whole > 0 ? part / whole : 0
}
