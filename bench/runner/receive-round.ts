import type { DeliveryReport } from '../peers/control-protocol.js'
import { type ResultRow, resultRow } from '../report/result-row.js'
import type { StreamAccount } from '../workload/stream-account.js'
import { UNNUMBERED } from '../workload/stream-ledger.js'
import type { Receiver } from './receiver.js'

/** Where a round's datagrams come from. */
export interface RoundSource {
  /** The address of an announced sender; null if it sends blind. */
  readonly address: string | null
  /** How it says it sends. */
  readonly mode: string | null
}

/** A round as the receiver tells it: `packets` are those delivered. */
export interface ReceiveRow extends ResultRow {
  readonly sender: RoundSource
}

/** One stream while it is being received: remembers how things stood when it began. */
export class ReceiveRound {
  readonly account: StreamAccount
  readonly source: RoundSource
  readonly #receiver: Receiver
  readonly #dropsBefore: number | null
  readonly #cpuBefore = process.cpuUsage()

  constructor(account: StreamAccount, receiver: Receiver, source: RoundSource) {
    this.account = account
    this.source = source
    this.#receiver = receiver
    this.#dropsBefore = receiver.kernelDrops
  }

  /** @param sent - how many the sender says it sent; left out, as many as the highest sequence number tells of */
  report(sent?: number): DeliveryReport {
    const { account } = this
    const isNumbered = account.stream !== UNNUMBERED
    const cpu = process.cpuUsage(this.#cpuBefore)
    return {
      delivered: account.delivered,
      lost: account.lost(sent),
      bytes: account.bytes,
      reordered: isNumbered ? account.reordered : null,
      duplicated: isNumbered ? account.duplicated : null,
      outdated: isNumbered ? account.outdated : null,
      jitterMicroseconds: isNumbered ? account.jitterMicroseconds : null,
      truncated: account.truncated,
      kernelDrops: this.#kernelDrops(),
      receiveCalls: account.calls,
      achievedBatch: account.calls > 0 ? account.arrived / account.calls : 0,
      cpu: { userSeconds: cpu.user / 1e6, systemSeconds: cpu.system / 1e6 },
    }
  }

  /** The same as a row of the receiver's own results. */
  row(mode: string, round: number, report: DeliveryReport): ReceiveRow {
    const { firstArrivalMs, lastArrivalMs } = this.account
    const row = resultRow({
      mode,
      round,
      seconds: (lastArrivalMs - firstArrivalMs) / 1000,
      packets: report.delivered,
      bytes: report.bytes,
      systemCalls: report.receiveCalls,
      batchCalls: report.receiveCalls,
      delivered: report,
      interface: null,
      cpu: report.cpu,
      wouldBlock: 0,
      errors: 0,
    })
    return { ...row, achievedBatch: report.achievedBatch, sender: this.source }
  }

  #kernelDrops(): number | null {
    const { kernelDrops } = this.#receiver
    return kernelDrops === null || this.#dropsBefore === null ? null : kernelDrops - this.#dropsBefore
  }
}
