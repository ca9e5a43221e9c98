import type { Receiver } from '../traffic/receiver.js'
import { type DeliveryReport, type RoundRecord, roundRecord } from '../traffic/round-record.js'
import type { StreamStatistics } from '../traffic/stream-statistics.js'
import { UNNUMBERED } from '../traffic/streams.js'

/** The sender of a stream. */
export interface RoundSource {
  /** Address of an announced sender; null for a stream that was not announced. */
  readonly address: string | null
  /** The mode that the sender announced. */
  readonly mode: string | null
}

/** A round in the receiver's report: `packets` are those delivered. */
export interface ReceiveRecord extends RoundRecord {
  readonly sender: RoundSource
}

/** One stream while it is received. */
export class ReceiveRound {
  readonly statistics: StreamStatistics
  readonly source: RoundSource
  readonly isWarmUp: boolean
  readonly #receiver: Receiver
  readonly #dropsBefore: number | null
  readonly #cpuBefore = process.cpuUsage()

  constructor(statistics: StreamStatistics, receiver: Receiver, source: RoundSource, isWarmUp = false) {
    this.statistics = statistics
    this.source = source
    this.isWarmUp = isWarmUp
    this.#receiver = receiver
    this.#dropsBefore = receiver.kernelDrops
  }

  /** @param sent - number of datagrams that the sender reports; by default derived from the sequence numbers */
  report(sent?: number): DeliveryReport {
    const { statistics } = this
    const isNumbered = statistics.stream !== UNNUMBERED
    const cpu = process.cpuUsage(this.#cpuBefore)
    const { kernelDrops } = this.#receiver
    return {
      delivered: statistics.delivered,
      lost: statistics.lost(sent),
      bytes: statistics.bytes,
      reordered: isNumbered ? statistics.reordered : null,
      duplicated: isNumbered ? statistics.duplicated : null,
      outdated: isNumbered ? statistics.outdated : null,
      jitterMicroseconds: isNumbered ? statistics.jitterMicroseconds : null,
      truncated: statistics.truncated,
      kernelDrops: kernelDrops === null || this.#dropsBefore === null ? null : kernelDrops - this.#dropsBefore,
      receiveCalls: statistics.calls,
      achievedBatch: statistics.calls > 0 ? statistics.arrived / statistics.calls : 0,
      cpu: { userSeconds: cpu.user / 1e6, systemSeconds: cpu.system / 1e6 },
    }
  }

  /** Returns the same as a record of the receiver's own results. */
  record(mode: string, round: number, report: DeliveryReport): ReceiveRecord {
    const { firstArrivalMs, lastArrivalMs } = this.statistics
    const { delivered: packets, bytes, receiveCalls: sendCalls, achievedBatch, cpu } = report
    const seconds = (lastArrivalMs - firstArrivalMs) / 1000
    const sent = { seconds, packets, sendCalls, cpu, wouldBlock: 0, errors: 0 }
    const record = roundRecord({ mode, round, bytes, delivered: report, interface: null, sent })
    return { ...record, achievedBatch, sender: this.source }
  }
}
