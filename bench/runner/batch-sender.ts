import { BatchConn, SendBatch } from '../../src/index.js'
import { pacedBatch } from '../workload/pacer.js'
import { HeaderStamper } from '../workload/payload-header.js'
import { sendFailure } from './send-failure.js'
import { SendTurns } from './send-turns.js'
import type { SendCounts, Sender, SendPlan } from './sender.js'

/** Sends with the library: `sendmsg` for batches of one, `sendmmsg` for larger ones. */
export class BatchSender implements Sender {
  readonly messagesPerBatch: number
  readonly #plan: SendPlan
  readonly #conn: BatchConn
  readonly #batch: SendBatch
  readonly #headers: HeaderStamper
  readonly #turns: SendTurns

  constructor(plan: SendPlan, capacity: number) {
    this.#plan = plan
    this.messagesPerBatch = pacedBatch(capacity, plan.packetsPerSecond)
    this.#conn = openConn(plan)
    this.#batch = new SendBatch({ capacity: this.messagesPerBatch, slotBytes: plan.sizeBytes })
    this.#headers = new HeaderStamper(this.#buildHeaders())
    this.#turns = new SendTurns(this.messagesPerBatch, plan.packetsPerSecond)
  }

  get counts(): SendCounts {
    return this.#turns.counts
  }

  begin(stream: number): void {
    this.#turns.begin(stream)
  }

  prepare(): void {
    if (this.#plan.prepare === 'batch') this.#rebuildHeaders()
    else this.#batch.rewind()
    const { stream, sequence, microseconds } = this.#turns
    this.#headers.stamp(this.messagesPerBatch, stream, sequence, microseconds)
    this.#turns.sequence = sequence + this.messagesPerBatch
  }

  sendSlice(untilMs: number): void {
    for (;;) {
      const packets = this.#turns.next(untilMs)
      if (packets === 0) return
      for (let started = 0; started < packets; started += this.messagesPerBatch) {
        this.prepare()
        if (!this.#sendBatch(untilMs)) return
      }
    }
  }

  settle(untilMs: number): void {
    this.#turns.settle(untilMs)
  }

  close(): void {
    this.#conn.close()
  }

  /**
   * Sends what was prepared, from the first unsent message on, as often as it takes.
   *
   * @returns false if the socket stayed full until the time was up; the rest of the batch is given up then, unsent
   */
  #sendBatch(untilMs: number): boolean {
    const { counts } = this.#turns
    const batch = this.#batch
    while (batch.remaining > 0) {
      counts.sendCalls += 1
      const accepted = this.#send()
      counts.packets += accepted
      if (accepted > 0) continue
      if (batch.remaining > 0 && !this.#wait(untilMs)) return false
    }
    return true
  }

  #send(): number {
    try {
      return this.#conn.send(this.#batch)
    } catch (error) {
      // An answer to an earlier datagram: nobody listens there. Only a blind sender goes on after that.
      if ((error as NodeJS.ErrnoException).code !== 'ECONNREFUSED') {
        throw sendFailure(error, this.#plan.destination)
      }
      this.#turns.counts.errors += 1
      this.#batch.skip()
      return 0
    }
  }

  /** Blocks until the socket can take more, for a while. @returns false if the time is up */
  #wait(untilMs: number): boolean {
    const { counts } = this.#turns
    counts.wouldBlock += 1
    counts.pollCalls += 1
    this.#conn.waitWritable({ timeoutMs: POLL_MS })
    return performance.now() < untilMs
  }

  /** Fills the batch for the first time: from now on only payloads change, unless it is to be rebuilt. */
  #buildHeaders(): Buffer[] {
    const { sizeBytes, connect, destination } = this.#plan
    return Array.from({ length: this.messagesPerBatch }, () =>
      this.#batch.reserve(sizeBytes, connect ? undefined : destination),
    )
  }

  /** What `--prepare batch` pays for: everything but the payload's header, message by message. */
  #rebuildHeaders(): void {
    const { sizeBytes, connect, destination } = this.#plan
    const to = connect ? undefined : destination
    this.#batch.clear()
    for (let message = 0; message < this.messagesPerBatch; message += 1) this.#batch.reserve(sizeBytes, to)
  }
}

/** A socket bound and connected as asked; closed again if either fails. */
function openConn({ destination, bind, connect }: SendPlan): BatchConn {
  const conn = BatchConn.open({ family: destination.family })
  try {
    if (bind !== undefined) conn.bind(bind)
    if (connect) conn.connect(destination)
    return conn
  } catch (error) {
    conn.close()
    throw error
  }
}

/** Short enough to see the end of a round in time. */
const POLL_MS = 50
