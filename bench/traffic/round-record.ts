import type { InterfaceDelta } from './interface-counters.js'
import type { SendCounts } from './sender.js'

/** Processor time of a process. */
export interface CpuTime {
  readonly userSeconds: number
  readonly systemSeconds: number
}

/** What a candidate did in a round: counts and times. */
export interface SendResult extends Readonly<SendCounts> {
  readonly seconds: number
  readonly cpu: CpuTime
}

/** What arrived in a round. Counts that require a header are null without one. */
export interface DeliveryReport {
  /** Distinct datagrams. */
  readonly delivered: number
  /** Sent and not delivered. */
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
  /** Of the receiver's process. */
  readonly cpu: CpuTime
}

/** One round, as in the JSON document; docs/json-report.md describes each key. */
export interface RoundRecord {
  /** The mode; in a comparison, the candidate. */
  readonly mode: string
  /** From 1 on. */
  readonly round: number
  readonly seconds: number
  /** Datagrams the kernel accepted; in `recv`, those delivered. */
  readonly packets: number
  /** Of payload. */
  readonly bytes: number
  /** Calls that send or receive, and calls that wait. */
  readonly systemCalls: number
  readonly packetsPerSecond: number
  /** Of payload. */
  readonly bitsPerSecond: number
  /** Null if there was no packet. */
  readonly nanosecondsPerPacket: number | null
  /** Datagrams per call that moved some. */
  readonly achievedBatch: number
  /** The receiver's report; null without one. */
  readonly delivered: DeliveryReport | null
  /** Delivered datagrams per second of sending; null without a report. */
  readonly deliveredPerSecond: number | null
  /** What the network interface counted; null if the interface is unknown. */
  readonly interface: InterfaceDelta | null
  /** Of the process that sends or receives. */
  readonly cpu: CpuTime
  /** How often the socket was full. */
  readonly wouldBlock: number
  /** Datagrams given up. */
  readonly errors: number
}

type Facts = Pick<RoundRecord, 'mode' | 'round' | 'bytes' | 'delivered' | 'interface'> & { readonly sent: SendResult }

/** Builds a record. Quotients without a divisor are 0 or null: JSON has neither NaN nor Infinity. */
export function roundRecord({ mode, round, bytes, delivered, interface: counted, sent }: Facts): RoundRecord {
  const { seconds, packets, sendCalls, wouldBlock, errors, cpu } = sent
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
  }
}
