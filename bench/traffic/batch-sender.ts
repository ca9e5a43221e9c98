import {
  BatchConn,
  type Endpoint,
  type FeatureStatus,
  type MessageOptions,
  type OpenOptions,
  SendBatch,
} from '../../src/index.js'
import { Failure } from '../cli/run-command.js'
import { destinationsOf } from './network.js'
import { HEADER_BYTES, HeaderStamper } from './payload-header.js'
import { pacedBatch, type Rate, Sender, type SendPlan, type SocketPlan, sendFailure } from './sender.js'

/** The shape of one `send` call. */
interface BatchShape {
  readonly messages: number
  /** Datagrams per message: above 1, each message is a GSO send. */
  readonly segments: number
  /** The library joins messages of one destination to GSO sends of up to `segments` of the plan. */
  readonly coalesce?: boolean
  /** Send without copying. A payload is written again when the kernel no longer reads it. */
  readonly zeroCopy?: boolean
}

/** Sends with the library: `sendmsg` for batches of one message, `sendmmsg` for larger ones. */
export class BatchSender extends Sender {
  readonly #shape: BatchShape
  readonly #plan: SendPlan
  readonly #conn: BatchConn
  /** Used in turn. */
  readonly #batches: readonly Prepared[]
  readonly #options: MessageOptions | undefined
  /** Index of the batch that was prepared last. */
  #at = -1

  constructor(plan: SendPlan, wanted: BatchShape) {
    const shape = pacedShape(wanted, plan)
    const { messages, segments, zeroCopy = false } = shape
    super(messages * segments, plan)
    this.#plan = plan
    this.#shape = shape
    this.#options = segments > 1 ? { segmentBytes: plan.sizeBytes } : undefined
    // The mode decides about zero-copy, not the size.
    this.#conn = openConn(plan, { zeroCopy: zeroCopy && { minBytes: 1 }, ...kernelPacing(plan) })
    const buffers = segments === 1 ? 1 : Math.floor(plan.buffers / messages)
    const batches = Math.max(buffers, Math.ceil(plan.destinations / messages))
    const destinations = destinationsOf(plan, batches * messages)
    this.#batches = Array.from({ length: batches }, (_, index) =>
      this.#prepareBatch(destinations.slice(index * messages, (index + 1) * messages)),
    )
  }

  prepare(): void {
    this.#at = (this.#at + 1) % this.#batches.length
    const { batch, headers, destinations } = this.#batches[this.#at]
    if (this.#shape.zeroCopy) this.#conn.waitReleased(batch)
    if (this.#plan.prepare === 'batch') this.#rebuildHeaders(batch, destinations)
    else batch.rewind()
    const { stream, sequence, microseconds } = this.schedule
    headers.stamp(this.packetsPerBatch, stream, sequence, microseconds)
    this.schedule.sequence = sequence + this.packetsPerBatch
  }

  sendSlice(untilMs: number): void {
    for (;;) {
      const packets = this.schedule.next(untilMs)
      if (packets === 0) break
      for (let started = 0; started < packets; started += this.packetsPerBatch) {
        this.prepare()
        if (!this.#sendBatch(untilMs)) return
      }
    }
    const requiresGso = this.#shape.coalesce || this.#shape.segments > 1
    if (requiresGso && !this.#conn.gso.available) throw this.#without('GSO', this.#conn.gso)
    if (this.#shape.zeroCopy && !this.#conn.zeroCopy.available) throw this.#without('zero-copy', this.#conn.zeroCopy)
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
    const { counts } = this.schedule
    const { batch } = this.#batches[this.#at]
    while (batch.remaining > 0) {
      counts.sendCalls += 1
      const accepted = this.#send(batch)
      counts.packets += accepted * this.#shape.segments
      if (accepted > 0) continue
      if (batch.remaining > 0 && !this.#wait(untilMs)) return false
    }
    return true
  }

  #send(batch: SendBatch): number {
    try {
      return this.#conn.send(batch)
    } catch (error) {
      // An ICMP error for an earlier datagram: no socket is bound there. A sender without a receiver goes on.
      if ((error as NodeJS.ErrnoException).code !== 'ECONNREFUSED') {
        throw sendFailure(error, this.#plan.destination)
      }
      this.schedule.counts.errors += this.#shape.segments
      batch.skip()
      return 0
    }
  }

  /** Blocks until the socket is writable, for a limited time. @returns false if the time is up */
  #wait(untilMs: number): boolean {
    const { counts } = this.schedule
    counts.wouldBlock += 1
    this.#conn.waitWritable({ timeoutMs: POLL_MS })
    return performance.now() < untilMs
  }

  /** Fills a batch for the first time. With `--prepare once`, only payloads change afterwards. */
  #prepareBatch(destinations: readonly Endpoint[]): Prepared {
    const { segments, coalesce = false } = this.#shape
    const { sizeBytes } = this.#plan
    const maxSegments = coalesce ? this.#plan.segments : segments
    const batch = new SendBatch({
      capacity: destinations.length,
      slotBytes: sizeBytes * segments,
      coalesce,
      maxSegments,
    })
    const payloads = destinations.flatMap((destination) => {
      const message = this.#reserve(batch, destination).fill(0)
      return Array.from({ length: segments }, (_, index) =>
        message.subarray(index * sizeBytes, (index + 1) * sizeBytes),
      )
    })
    return { batch, headers: new HeaderStamper(payloads), destinations }
  }

  /** The work of `--prepare batch`: everything except the payload's header, per message. */
  #rebuildHeaders(batch: SendBatch, destinations: readonly Endpoint[]): void {
    batch.clear()
    for (const destination of destinations) this.#reserve(batch, destination)
  }

  #reserve(batch: SendBatch, destination: Endpoint): Buffer {
    const { sizeBytes, connect } = this.#plan
    return batch.reserve(sizeBytes * this.#shape.segments, connect ? undefined : destination, this.#options)
  }

  /** The library switches a feature off when the device does not support it. A mode that measures it must not continue. */
  #without(feature: string, { reason }: FeatureStatus): Failure {
    return new Failure(`${feature} to ${this.#plan.destination} stopped working: ${reason}`)
  }
}

/** A batch, and the writer of its payloads' headers. */
interface Prepared {
  readonly batch: SendBatch
  readonly headers: HeaderStamper
  /** One per message. */
  readonly destinations: readonly Endpoint[]
}

/** Limits the shape to what is due in the time of a burst: first fewer segments, then fewer messages. */
function pacedShape({ messages, segments, ...rest }: BatchShape, rate: Rate): BatchShape {
  const perMessage = pacedBatch(segments, rate)
  const packets = pacedBatch(messages * perMessage, rate)
  return { ...rest, messages: Math.floor(packets / perMessage), segments: perMessage }
}

/** Opens a socket as planned. @throws ErrnoError from bind and connect */
export function openConn({ destination, bind, connect }: SocketPlan, options?: OpenOptions): BatchConn {
  const conn = BatchConn.open({ ...options, family: destination.family })
  try {
    if (bind !== undefined) conn.bind(bind)
    if (connect) conn.connect(destination)
    return conn
  } catch (error) {
    conn.close()
    throw error
  }
}

/** Lets fq pace the socket: the sender's bursts then leave evenly. */
function kernelPacing({ packetsPerSecond, sizeBytes, hasFq }: SendPlan): OpenOptions {
  if (packetsPerSecond === undefined || !hasFq) return {}
  const bytesPerSecond = Math.ceil(packetsPerSecond * (sizeBytes + FQ_HEADER_BYTES))
  return { maxPacingRate: Math.min(bytesPerSecond, MAX_PACING_RATE) }
}

/** fq counts Ethernet, IP and UDP headers. Those of IPv6: over IPv4 it then paces a little above the rate, never below. */
const FQ_HEADER_BYTES = 14 + 40 + 8
/** The largest value of SO_MAX_PACING_RATE that is not "unlimited". */
const MAX_PACING_RATE = 2 ** 32 - 2
/** Short enough to end a round in time. */
const POLL_MS = 50

/**
 * Returns why GSO to the plan's destination is not supported; undefined if it is. It makes one GSO send, because the device
 * may reject what the kernel supports. The send belongs to stream 0, which receivers do not count.
 */
export function gsoUnsupportedReason({ destination, sizeBytes, segments }: SendPlan): string | undefined {
  using conn = BatchConn.open({ family: destination.family })
  try {
    const { mtu } = conn.connect(destination).options
    const isIPv4 = destination.family === 'ipv4' || destination.address.startsWith('::ffff:')
    if (sizeBytes + (isIPv4 ? IPV4_HEADERS_BYTES : IPV6_HEADERS_BYTES) > mtu) {
      return `datagrams of ${sizeBytes} bytes do not fit the MTU of ${mtu}, and GSO segments cannot be fragmented`
    }
    // Shorter datagrams have no stream number, and would be counted.
    const segmentBytes = Math.max(sizeBytes, HEADER_BYTES)
    const batch = new SendBatch({ capacity: 1, slotBytes: segmentBytes * segments, maxSegments: segments })
    batch.append(new Uint8Array(segmentBytes * segments), undefined, { segmentBytes })
    conn.send(batch)
    return conn.gso.available ? undefined : conn.gso.reason
  } catch {
    // Not caused by GSO: the next send has the same error and reports it.
    return undefined
  }
}

/** IP and UDP. */
const IPV4_HEADERS_BYTES = 20 + 8
const IPV6_HEADERS_BYTES = 40 + 8
