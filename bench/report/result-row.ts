import type { DeliveryReport } from '../peers/control-protocol.js'
import type { InterfaceDelta } from '../peers/interface-counters.js'

/** One round, as the JSON document has it: docs/json-report.md explains each. */
export interface ResultRow {
  /** The way it was sent or received; for a comparison, who sent it. */
  readonly mode: string
  /** From 1 on. */
  readonly round: number
  readonly seconds: number
  /** Datagrams the kernel took; for a receiver, those delivered. */
  readonly packets: number
  /** Of payload. */
  readonly bytes: number
  /** Those that send or receive, and those that wait. */
  readonly systemCalls: number
  readonly packetsPerSecond: number
  /** Of payload. */
  readonly bitsPerSecond: number
  /** Null if there was no packet. */
  readonly nanosecondsPerPacket: number | null
  /** Datagrams a call that moved some. */
  readonly achievedBatch: number
  /** What the receiver says; null if it is not asked. */
  readonly delivered: DeliveryReport | null
  /** What the network interface counted; null if it is not known which it is. */
  readonly interface: InterfaceDelta | null
  /** Of the whole process that sends or receives. */
  readonly cpu: { readonly userSeconds: number; readonly systemSeconds: number }
  /** How often the socket could take nothing more. */
  readonly wouldBlock: number
  /** Datagrams given up. */
  readonly errors: number
}

/** What a row is made of; the rest follows from it. */
export interface RoundFacts
  extends Omit<ResultRow, 'packetsPerSecond' | 'bitsPerSecond' | 'nanosecondsPerPacket' | 'achievedBatch'> {
  /** The calls that moved datagrams. */
  readonly batchCalls: number
}

/** A row with its rates. What cannot be divided is 0 or null: JSON has neither NaN nor Infinity. */
export function resultRow({ batchCalls, ...facts }: RoundFacts): ResultRow {
  const { mode, round, seconds, packets, bytes, systemCalls, ...rest } = facts
  const perSecond = seconds > 0 ? 1 / seconds : 0
  return {
    mode,
    round,
    seconds,
    packets,
    bytes,
    systemCalls,
    packetsPerSecond: packets * perSecond,
    bitsPerSecond: bytes * 8 * perSecond,
    nanosecondsPerPacket: packets > 0 ? (seconds * 1e9) / packets : null,
    achievedBatch: batchCalls > 0 ? packets / batchCalls : 0,
    ...rest,
  }
}
