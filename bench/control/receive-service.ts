import { setTimeout as sleep } from 'node:timers/promises'
import type { ReceiveMode } from '../traffic/modes.js'
import { HEADER_BYTES } from '../traffic/payload-header.js'
import type { Receiver } from '../traffic/receiver.js'
import { type DeliveryReport, type RoundRecord, roundRecord } from '../traffic/round-record.js'
import { type StreamStatistics, Streams, UNNUMBERED } from '../traffic/streams.js'
import type { ReceiverDescription, StartRequest } from './protocol.js'
import type { ControlHandler } from './server.js'

/**
 * Receives, and keeps the statistics of one announced stream and of streams that were not announced. The latter end after a
 * second without datagrams.
 */
export class ReceiveService implements ControlHandler {
  readonly description: ReceiverDescription
  /** The latest rounds, warm-ups excluded. */
  readonly records: ReceiveRecord[] = []
  readonly #receiver: Receiver
  readonly #onRecord: (record: ReceiveRecord) => void
  readonly #streams = new Streams((statistics) => this.#found(statistics))
  readonly #unannounced = new Set<ReceiveRound>()
  #announced: ReceiveRound | undefined
  #rounds = 0

  constructor(receiver: Receiver, mode: ReceiveMode, onRecord: (record: ReceiveRecord) => void) {
    this.#receiver = receiver
    this.#onRecord = onRecord
    const { batch, receiveBufferBytes, gro } = receiver
    this.description = { mode, batch, gro: gro.available, receiveBufferBytes }
  }

  get lastArrivalMs(): number {
    return this.#announced?.statistics.lastArrivalMs ?? 0
  }

  /** Receives until the signal is aborted. Unfinished rounds are reported as they are then. */
  async run(signal: AbortSignal): Promise<void> {
    const sweep = setInterval(() => this.#finishQuiet(), 200)
    try {
      await this.#receiver.run(this.#streams, signal)
    } finally {
      clearInterval(sweep)
      this.gone()
      for (const round of this.#unannounced) this.#finish(round)
    }
  }

  /** Opens the stream of a round that a sender announces. */
  async start({ stream, sizeBytes, mode, warmUp }: StartRequest, address: string): Promise<void> {
    this.gone()
    this.#receiver.makeRoom(sizeBytes)
    const statistics = sizeBytes < HEADER_BYTES ? this.#streams.openUnnumbered() : this.#streams.open(stream)
    this.#announced = new ReceiveRound(statistics, this.#receiver, { address, mode }, warmUp)
  }

  /** Ends a round: waits for late datagrams, and reports what arrived. */
  async stop(sent: number): Promise<DeliveryReport> {
    const round = this.#announced
    if (round === undefined) throw new Error('stop without start')
    await this.#drained(round.statistics, sent)
    if (this.#announced !== round) throw new Error('another sender took over')
    this.#announced = undefined
    return this.#finish(round, sent)
  }

  gone(): void {
    if (this.#announced === undefined) return
    this.#finish(this.#announced)
    this.#announced = undefined
  }

  #found(statistics: StreamStatistics): void {
    this.#unannounced.add(new ReceiveRound(statistics, this.#receiver, { address: null, mode: null }))
  }

  /** Closes a round's stream and records its result. */
  #finish(round: ReceiveRound, sent?: number): DeliveryReport {
    const report = round.report(sent)
    this.#streams.close(round.statistics)
    this.#unannounced.delete(round)
    if (round.isWarmUp) return report
    this.#rounds += 1
    const record = round.record(this.description.mode, this.#rounds, report)
    this.records.push(record)
    if (this.records.length > MAX_RECORDS) this.records.shift()
    this.#onRecord(record)
    return report
  }

  #finishQuiet(): void {
    const quietSinceMs = performance.now() - UNANNOUNCED_QUIET_MS
    for (const round of [...this.#unannounced]) {
      if (round.statistics.lastArrivalMs < quietSinceMs) this.#finish(round)
    }
  }

  /** Settles when all datagrams have arrived, or none arrives any more. */
  async #drained(statistics: StreamStatistics, sent: number): Promise<void> {
    const startMs = performance.now()
    for (let nowMs = startMs; nowMs < startMs + MAX_DRAIN_MS; nowMs = performance.now()) {
      const quietMs = nowMs - Math.max(startMs, statistics.lastArrivalMs)
      if (statistics.delivered >= sent || quietMs >= QUIET_MS) return
      await sleep(2)
    }
  }
}

/** Longer than a datagram is under way in a local network. */
const QUIET_MS = 200
const UNANNOUNCED_QUIET_MS = 1000
/** A sender waits three times as long for its report. */
const MAX_DRAIN_MS = 5000
/** More than any honest run has; a receiver that runs for months must not fill the memory. */
const MAX_RECORDS = 20_000

export interface RoundSource {
  /** Address of an announced sender; null for a stream that was not announced. */
  readonly address: string | null
  readonly mode: string | null
}

/** A round in the receiver's report: `packets` are those delivered. */
export interface ReceiveRecord extends RoundRecord {
  readonly sender: RoundSource
}

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
