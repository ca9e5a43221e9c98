import { BatchConn, type MessageOptions, SendBatch } from '../../src/index.js'
import { Failure } from '../failure.js'
import { pacedBatch } from '../workload/pacer.js'
import { HeaderStamper } from '../workload/payload-header.js'
import { sendFailure } from './send-failure.js'
import { SendTurns } from './send-turns.js'
import type { SendCounts, Sender, SendPlan } from './sender.js'

/** What one call of `send` hands over. */
export interface BatchShape {
  readonly messages: number
  /** Datagrams a message: above 1 it is a train (GSO). */
  readonly segments: number
}

/** Sends with the library: `sendmsg` for batches of one message, `sendmmsg` for larger ones. */
export class BatchSender implements Sender {
  readonly packetsPerBatch: number
  readonly #shape: BatchShape
  readonly #plan: SendPlan
  readonly #conn: BatchConn
  readonly #batch: SendBatch
  readonly #options: MessageOptions | undefined
  readonly #headers: HeaderStamper
  readonly #turns: SendTurns

  constructor(plan: SendPlan, wanted: BatchShape) {
    this.#plan = plan
    this.#shape = pacedShape(wanted, plan.packetsPerSecond)
    const { messages, segments } = this.#shape
    this.packetsPerBatch = messages * segments
    this.#options = segments > 1 ? { segmentBytes: plan.sizeBytes } : undefined
    this.#conn = openConn(plan)
    this.#batch = new SendBatch({
      capacity: messages,
      slotBytes: plan.sizeBytes * segments,
      maxSegments: segments,
    })
    this.#headers = new HeaderStamper(this.#buildHeaders().flatMap((message) => cut(message, plan.sizeBytes)))
    this.#turns = new SendTurns(this.packetsPerBatch, plan.packetsPerSecond)
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
    this.#headers.stamp(this.packetsPerBatch, stream, sequence, microseconds)
    this.#turns.sequence = sequence + this.packetsPerBatch
  }

  sendSlice(untilMs: number): void {
    for (;;) {
      const packets = this.#turns.next(untilMs)
      if (packets === 0) break
      for (let started = 0; started < packets; started += this.packetsPerBatch) {
        this.prepare()
        if (!this.#sendBatch(untilMs)) return
      }
    }
    if (this.#shape.segments > 1 && !this.#conn.gso.available) throw this.#withoutTrains()
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
      counts.packets += accepted * this.#shape.segments
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
      this.#turns.counts.errors += this.#shape.segments
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
    return Array.from({ length: this.#shape.messages }, () => this.#reserve())
  }

  /** What `--prepare batch` pays for: everything but the payload's header, message by message. */
  #rebuildHeaders(): void {
    this.#batch.clear()
    for (let message = 0; message < this.#shape.messages; message += 1) this.#reserve()
  }

  #reserve(): Buffer {
    const { sizeBytes, connect, destination } = this.#plan
    return this.#batch.reserve(sizeBytes * this.#shape.segments, connect ? undefined : destination, this.#options)
  }

  /** The library goes on without trains when a device starts to refuse them. A mode that is named for them cannot. */
  #withoutTrains(): Failure {
    return new Failure(`cannot send trains to ${this.#plan.destination} any more: ${this.#conn.gso.reason}`)
  }
}

/** No more than falls due in a while: shorter trains first, then fewer of them. */
function pacedShape({ messages, segments }: BatchShape, packetsPerSecond: number | undefined): BatchShape {
  const perTrain = pacedBatch(segments, packetsPerSecond)
  const packets = pacedBatch(messages * perTrain, packetsPerSecond)
  return { messages: Math.floor(packets / perTrain), segments: perTrain }
}

/** The datagrams that a message is going to be. */
function cut(message: Buffer, sizeBytes: number): Buffer[] {
  const count = message.byteLength / sizeBytes
  return Array.from({ length: count }, (_, index) => message.subarray(index * sizeBytes, (index + 1) * sizeBytes))
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
