import { BatchConn, type MessageOptions, SendBatch } from '../../src/index.js'
import { Failure } from '../cli/run-command.js'
import { HeaderStamper } from './payload-header.js'
import { pacedBatch, SendSchedule } from './send-schedule.js'
import { type SendCounts, type Sender, type SendPlan, sendFailure } from './sender.js'

/** The shape of one `send` call. */
export interface BatchShape {
  readonly messages: number
  /** Datagrams per message: above 1, each message is a GSO send. */
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
  readonly #schedule: SendSchedule

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
    this.#schedule = new SendSchedule(this.packetsPerBatch, plan.packetsPerSecond)
  }

  get counts(): SendCounts {
    return this.#schedule.counts
  }

  begin(stream: number): void {
    this.#schedule.begin(stream)
  }

  prepare(): void {
    if (this.#plan.prepare === 'batch') this.#rebuildHeaders()
    else this.#batch.rewind()
    const { stream, sequence, microseconds } = this.#schedule
    this.#headers.stamp(this.packetsPerBatch, stream, sequence, microseconds)
    this.#schedule.sequence = sequence + this.packetsPerBatch
  }

  sendSlice(untilMs: number): void {
    for (;;) {
      const packets = this.#schedule.next(untilMs)
      if (packets === 0) break
      for (let started = 0; started < packets; started += this.packetsPerBatch) {
        this.prepare()
        if (!this.#sendBatch(untilMs)) return
      }
    }
    if (this.#shape.segments > 1 && !this.#conn.gso.available) throw this.#withoutGso()
  }

  settle(untilMs: number): void {
    this.#schedule.settle(untilMs)
  }

  close(): void {
    this.#conn.close()
  }

  /**
   * Sends what was prepared, in as many calls as necessary.
   *
   * @returns false if the socket was full until the time was up; the rest of the batch is not sent then
   */
  #sendBatch(untilMs: number): boolean {
    const { counts } = this.#schedule
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
      // An ICMP error for an earlier datagram: no socket is bound there. A sender without a receiver goes on.
      if ((error as NodeJS.ErrnoException).code !== 'ECONNREFUSED') {
        throw sendFailure(error, this.#plan.destination)
      }
      this.#schedule.counts.errors += this.#shape.segments
      this.#batch.skip()
      return 0
    }
  }

  /** Blocks until the socket is writable, for a limited time. @returns false if the time is up */
  #wait(untilMs: number): boolean {
    const { counts } = this.#schedule
    counts.wouldBlock += 1
    this.#conn.waitWritable({ timeoutMs: POLL_MS })
    return performance.now() < untilMs
  }

  /** Fills the batch for the first time. With `--prepare once`, only payloads change afterwards. */
  #buildHeaders(): Buffer[] {
    return Array.from({ length: this.#shape.messages }, () => this.#reserve())
  }

  /** The work of `--prepare batch`: everything except the payload's header, per message. */
  #rebuildHeaders(): void {
    this.#batch.clear()
    for (let message = 0; message < this.#shape.messages; message += 1) this.#reserve()
  }

  #reserve(): Buffer {
    const { sizeBytes, connect, destination } = this.#plan
    return this.#batch.reserve(sizeBytes * this.#shape.segments, connect ? undefined : destination, this.#options)
  }

  /** The library switches GSO off when a device starts to reject it. A mode that measures GSO must not continue. */
  #withoutGso(): Failure {
    return new Failure(`GSO to ${this.#plan.destination} stopped working: ${this.#conn.gso.reason}`)
  }
}

/** Limits the shape to what is due in 50 ms: first fewer segments, then fewer messages. */
function pacedShape({ messages, segments }: BatchShape, packetsPerSecond: number | undefined): BatchShape {
  const perMessage = pacedBatch(segments, packetsPerSecond)
  const packets = pacedBatch(messages * perMessage, packetsPerSecond)
  return { messages: Math.floor(packets / perMessage), segments: perMessage }
}

function cut(message: Buffer, sizeBytes: number): Buffer[] {
  const count = message.byteLength / sizeBytes
  return Array.from({ length: count }, (_, index) => message.subarray(index * sizeBytes, (index + 1) * sizeBytes))
}

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

/** Short enough to end a round in time. */
const POLL_MS = 50
