import { setTimeout as sleep } from 'node:timers/promises'
import type { DeliveryReport, ReceiverDescription, StartRequest } from '../peers/control-protocol.js'
import type { ControlHandler } from '../peers/control-server.js'
import { HEADER_BYTES } from '../workload/payload-header.js'
import type { StreamAccount } from '../workload/stream-account.js'
import { StreamLedger } from '../workload/stream-ledger.js'
import { learnLatestDrops } from './latest-drops.js'
import { ReceiveRound, type ReceiveRow } from './receive-round.js'
import type { ReceiveMode, Receiver } from './receiver.js'

/**
 * Receives, and keeps the accounts: of one announced sender at a time, and of whoever sends blind. A blind stream is over
 * when it has been quiet for a second.
 */
export class ReceiveService implements ControlHandler {
  readonly rows: ReceiveRow[] = []
  readonly #receiver: Receiver
  readonly #description: ReceiverDescription
  readonly #onRow: (row: ReceiveRow) => void
  readonly #ledger = new StreamLedger((account) => this.#found(account))
  readonly #blind = new Set<ReceiveRound>()
  #announced: ReceiveRound | undefined
  #isDropCountOld = false

  constructor(receiver: Receiver, mode: ReceiveMode, onRow: (row: ReceiveRow) => void) {
    this.#receiver = receiver
    this.#onRow = onRow
    const { batch, receiveBufferBytes, gro } = receiver
    this.#description = { mode, batch, gro: gro.available, receiveBufferBytes }
  }

  get description(): ReceiverDescription {
    return this.#description
  }

  /** Receives until the signal is aborted; what is unfinished then is reported as it stands. */
  async run(signal: AbortSignal): Promise<void> {
    const sweep = setInterval(() => void this.#finishQuiet(), 200)
    try {
      await this.#receiver.run(this.#ledger, signal)
    } finally {
      clearInterval(sweep)
      this.gone()
      for (const round of this.#blind) this.#finish(round)
    }
  }

  /** A sender announces a round: its account is open when this settles. */
  async start({ stream, sizeBytes, mode }: StartRequest, address: string): Promise<ReceiverDescription> {
    this.gone()
    if (this.#isDropCountOld) await learnLatestDrops(this.#receiver)
    this.#isDropCountOld = false
    this.#receiver.makeRoom(sizeBytes)
    const account = sizeBytes < HEADER_BYTES ? this.#ledger.openUnnumbered() : this.#ledger.open(stream)
    this.#announced = new ReceiveRound(account, this.#receiver, { address, mode })
    return this.#description
  }

  /** The sender has sent so many: waits for stragglers, and says what arrived. */
  async stop(sent: number): Promise<DeliveryReport> {
    const round = this.#announced
    if (round === undefined) throw new Error('stop without start')
    await this.#drained(round.account, sent)
    if (round.account.delivered < sent) await learnLatestDrops(this.#receiver)
    this.#announced = undefined
    return this.#finish(round, sent)
  }

  /** The sender left: a round it had begun is reported with what can be known without it. */
  gone(): void {
    if (this.#announced === undefined) return
    this.#finish(this.#announced)
    this.#announced = undefined
    this.#isDropCountOld = true
  }

  /** A stream that nobody announced. */
  #found(account: StreamAccount): void {
    this.#blind.add(new ReceiveRound(account, this.#receiver, { address: null, mode: null }))
  }

  /** Closes a round's account and books its row. */
  #finish(round: ReceiveRound, sent?: number): DeliveryReport {
    const report = round.report(sent)
    const row = round.row(this.#description.mode, this.rows.length + 1, report)
    this.#ledger.close(round.account)
    this.#blind.delete(round)
    this.rows.push(row)
    this.#onRow(row)
    return report
  }

  /** Ends the blind streams of which nothing has been heard for a while. */
  async #finishQuiet(): Promise<void> {
    const quietSinceMs = performance.now() - BLIND_QUIET_MS
    const quiet = [...this.#blind].filter((round) => round.account.lastArrivalMs < quietSinceMs)
    if (quiet.length === 0) return
    await learnLatestDrops(this.#receiver)
    for (const round of quiet) if (this.#blind.has(round)) this.#finish(round)
  }

  /** Settles when all has arrived, or nothing more does. */
  async #drained(account: StreamAccount, sent: number): Promise<void> {
    const startMs = performance.now()
    for (let nowMs = startMs; nowMs < startMs + LONGEST_DRAIN_MS; nowMs = performance.now()) {
      if (account.delivered >= sent || nowMs - Math.max(startMs, account.lastArrivalMs) >= QUIET_MS) return
      await sleep(2)
    }
  }
}

/** Longer than anything is under way on a local network. */
const QUIET_MS = 200
const BLIND_QUIET_MS = 1000
/** A sender waits for its report no longer than three times this. */
const LONGEST_DRAIN_MS = 5000
