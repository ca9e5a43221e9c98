import { setTimeout as sleep } from 'node:timers/promises'
import type { ReceiveMode } from '../traffic/modes.js'
import { HEADER_BYTES } from '../traffic/payload-header.js'
import type { Receiver } from '../traffic/receiver.js'
import { type DeliveryReport, type RoundRecord, roundRecord } from '../traffic/round-record.js'
import { type StreamStatistics, Streams, UNNUMBERED } from '../traffic/streams.js'
import type { ReceiverDescription, StartRequest } from './protocol.js'
import type { AnnouncedRound, ControlHandler } from './server.js'

/**
 * Receives, and keeps the statistics of the streams that senders announce and of those that were not announced. The latter end
 * after a second without datagrams.
 */
export class ReceiveService implements ControlHandler {
  readonly description: ReceiverDescription
  /** The latest rounds, warm-ups excluded. */
  readonly records: ReceiveRecord[] = []
  readonly #receiver: Receiver
  readonly #onRecord: (record: ReceiveRecord) => void
  readonly #streams = new Streams((statistics) => this.#found(statistics))
  /** Rounds that have not ended. */
  readonly #rounds = new Set<ReceiveRound>()
  #finished = 0

  constructor(receiver: Receiver, mode: ReceiveMode, onRecord: (record: ReceiveRecord) => void) {
    this.#receiver = receiver
    this.#onRecord = onRecord
    const { batch, receiveBufferBytes, gro } = receiver
    this.description = { mode, batch, gro: gro.available, receiveBufferBytes }
  }

  /** Receives until the signal is aborted. Unfinished rounds are reported as they are then. */
  async run(signal: AbortSignal): Promise<void> {
    const sweep = setInterval(() => this.#finishQuiet(), 200)
    try {
      await this.#receiver.run(this.#streams, signal)
    } finally {
      clearInterval(sweep)
      for (const round of this.#rounds) this.#finish(round)
    }
  }

  /** Opens the stream of a round that a sender announces. @throws Error if another sender has the same stream */
  start({ stream, sizeBytes, mode, warmUp }: StartRequest, address: string): AnnouncedRound {
    const isNumbered = sizeBytes >= HEADER_BYTES
    const number = isNumbered ? stream : UNNUMBERED
    for (const other of this.#rounds) {
      if (other.statistics.stream !== number) continue
      if (other.source.address !== null) {
        throw new Error(
          isNumbered
            ? 'another sender has the same stream'
            : `another sender has datagrams below ${HEADER_BYTES} bytes too, which do not name their stream`,
        )
      }
      this.#finish(other)
    }
    this.#receiver.makeRoom(sizeBytes)
    const statistics = isNumbered ? this.#streams.open(stream) : this.#streams.openUnnumbered()
    const round = new ReceiveRound(statistics, this.#receiver, { address, mode }, warmUp)
    this.#rounds.add(round)
    return {
      get lastArrivalMs() {
        return statistics.lastArrivalMs
      },
      stop: async (sent) => {
        await this.#drained(statistics, sent)
        if (!this.#rounds.has(round)) throw new Error('the round has ended')
        return this.#finish(round, sent)
      },
      abandon: () => void this.#finish(round),
    }
  }

  #found(statistics: StreamStatistics): void {
    this.#rounds.add(new ReceiveRound(statistics, this.#receiver, { address: null, mode: null }))
  }

  /** Closes a round's stream and records its result; after the first time it only returns the report. */
  #finish(round: ReceiveRound, sent?: number): DeliveryReport {
    const report = round.report(sent)
    if (!this.#rounds.delete(round)) return report
    this.#streams.close(round.statistics)
    if (round.isWarmUp) return report
    this.#finished += 1
    const record = round.record(this.description.mode, this.#finished, report)
    this.records.push(record)
    if (this.records.length > MAX_RECORDS) this.records.shift()
    this.#onRecord(record)
    return report
  }

  #finishQuiet(): void {
    const quietSinceMs = performance.now() - UNANNOUNCED_QUIET_MS
    for (const round of this.#rounds) {
      if (round.source.address === null && round.statistics.lastArrivalMs < quietSinceMs) this.#finish(round)
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
