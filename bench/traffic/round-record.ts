import type { InterfaceDelta } from './network.js'
import type { SendCounts } from './sender.js'

export interface CpuTime {
  readonly userSeconds: number
  readonly systemSeconds: number
}

/** Returns the processor time of this process since `before`, from `process.cpuUsage()`. */
export function cpuSince(before: NodeJS.CpuUsage): CpuTime {
  const { user, system } = process.cpuUsage(before)
  return { userSeconds: user / 1e6, systemSeconds: system / 1e6 }
}

/** What a candidate did in a round: counts and times. */
export interface SendResult extends Readonly<SendCounts> {
  readonly seconds: number
  readonly cpu: CpuTime
}

/** What arrived in a round. Counts that require a header are null without one. */
export interface DeliveryReport {
  readonly delivered: number
  readonly lost: number
  readonly bytes: number
  readonly reordered: number | null
  readonly duplicated: number | null
  /** Too late to be distinguished from duplicates; part of `lost`. */
  readonly outdated: number | null
  readonly jitterMicroseconds: number | null
  /** Datagrams that were longer than the receiver's slots. */
  readonly truncated: number
  /** Datagrams that the kernel dropped because the receiver's socket was full; null if unknown. */
  readonly kernelDrops: number | null
  /** Calls that returned datagrams of the stream. */
  readonly receiveCalls: number
  /** Datagrams per such call. */
  readonly achievedBatch: number
  readonly cpu: CpuTime
}

/** Adds the reports of two streams that were received at the same time. */
export function addDelivery(one: DeliveryReport, other: DeliveryReport): DeliveryReport {
  const keys = Object.keys(one) as (keyof DeliveryReport)[]
  const total = keys.map((key) => {
    const [a, b] = [one[key], other[key]]
    if (typeof a !== 'number' || typeof b !== 'number') return [key, key === 'cpu' ? a : null]
    return [key, HIGHEST.has(key) ? Math.max(a, b) : a + b]
  })
  const [calls, more] = [one.receiveCalls, other.receiveCalls]
  const achievedBatch = (one.achievedBatch * calls + other.achievedBatch * more) / Math.max(1, calls + more)
  return { ...Object.fromEntries(total), achievedBatch } as DeliveryReport
}
/** What the receiver counts for all streams together, and what is no count. */
const HIGHEST: ReadonlySet<string> = new Set(['kernelDrops', 'jitterMicroseconds'])

/** One of several streams of a round. */
export interface StreamRecord extends Pick<SendResult, 'seconds' | 'packets' | 'errors'> {
  readonly delivered: DeliveryReport | null
}

/** One round, as in the JSON document; docs/json-report.md describes each key. */
export type RoundRecord = ReturnType<typeof roundRecord> & { readonly streams?: readonly StreamRecord[] }

interface Facts {
  /** The mode; in a comparison, the candidate. */
  readonly mode: string
  /** From 1 on. */
  readonly round: number
  /** Of payload. */
  readonly bytes: number
  /** The receiver's report; null without one. */
  readonly delivered: DeliveryReport | null
  /** What the network interface counted; null if the interface is unknown. */
  readonly interface: InterfaceDelta | null
  readonly sent: SendResult
}

/** Builds a record. Quotients without a divisor are 0 or null: JSON has neither NaN nor Infinity. */
export function roundRecord({ mode, round, bytes, delivered, interface: counted, sent }: Facts) {
  const { seconds, packets, sendCalls, wouldBlock, errors, cpu, largestBurst } = sent
  const perSecond = seconds > 0 ? 1 / seconds : 0
  const callsWithPackets = sendCalls - wouldBlock
  return {
    mode,
    round,
    seconds,
    packets,
    bytes,
    systemCalls: sendCalls + wouldBlock,
    packetsPerSecond: packets * perSecond,
    bitsPerSecond: bytes * 8 * perSecond,
    nanosecondsPerPacket: packets > 0 ? (seconds * 1e9) / packets : null,
    achievedBatch: callsWithPackets > 0 ? packets / callsWithPackets : 0,
    delivered,
    deliveredPerSecond: delivered === null ? null : delivered.delivered * perSecond,
    interface: counted,
    cpu,
    wouldBlock,
    errors,
    // What was due at once may be more than was sent before the round ended.
    largestBurst: largestBurst === undefined ? null : Math.min(largestBurst, packets),
  }
}
