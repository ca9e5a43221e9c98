import { setTimeout as sleep } from 'node:timers/promises'
import type { ReceiveMode } from '../traffic/modes.js'
import { HEADER_BYTES } from '../traffic/payload-header.js'
import type { Receiver } from '../traffic/receiver.js'
import type { DeliveryReport } from '../traffic/round-record.js'
import type { StreamStatistics } from '../traffic/stream-statistics.js'
import { Streams } from '../traffic/streams.js'
import type { ReceiverDescription, StartRequest } from './protocol.js'
import { type ReceiveRecord, ReceiveRound } from './receive-round.js'
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

  /** Reports a round whose sender left. */
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
