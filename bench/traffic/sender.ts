import type { Endpoint, EndpointLike } from '../../src/index.js'
import { Failure } from '../cli/run-command.js'
import type { Spread } from './network.js'
import { monotonicMicroseconds } from './payload-header.js'

export interface SocketPlan {
  readonly destination: Endpoint
  readonly bind: EndpointLike | undefined
  readonly connect: boolean
}

export interface SendPlan extends SocketPlan, Spread {
  readonly sizeBytes: number
  /** Messages per system call, for the modes that batch. */
  readonly batch: number
  /** Datagrams per GSO send, for the modes with GSO. */
  readonly segments: number
  /** Payload buffers that the modes with GSO use in turn. */
  readonly buffers: number
  /** `once`: headers are built before the first round; `batch`: for each batch. */
  readonly prepare: 'once' | 'batch'
  /** Undefined: unlimited. */
  readonly packetsPerSecond: number | undefined
  /** A rate-limited sender sends at most what is due in this time at once. */
  readonly burstMs: number
  /** The queueing discipline fq is on the interface and can pace the socket (SO_MAX_PACING_RATE). */
  readonly hasFq: boolean
}

export interface SendCounts {
  /** Datagrams the kernel accepted. */
  packets: number
  /** Calls of sendmsg and sendmmsg. */
  sendCalls: number
  /** How often the socket was full; each is followed by one poll. */
  wouldBlock: number
  /** Datagrams given up. */
  errors: number
  /** Rate-limited only: the largest number of datagrams that left without a wait between them because all were due. */
  largestBurst?: number | undefined
}

/** A socket that sends a stream as a schedule requires. */
export abstract class Sender {
  protected readonly schedule: SendSchedule

  /** @param packetsPerBatch - number of datagrams that `prepare` makes ready */
  constructor(
    readonly packetsPerBatch: number,
    rate: Rate,
  ) {
    this.schedule = new SendSchedule(packetsPerBatch, rate)
  }

  get counts(): SendCounts {
    return this.schedule.counts
  }

  /** Starts a round: counts and sequence numbers start again at 0. */
  begin(stream: number): void {
    this.schedule.begin(stream)
  }

  /** Waits until the packet after the last one is due, if the rate is limited. */
  settle(untilMs: number): void {
    this.schedule.settle(untilMs)
  }

  /** Makes a batch ready without sending it. */
  abstract prepare(): void
  /** Sends until the time is up. It may block the thread, so slices must be short. */
  abstract sendSlice(untilMs: number): void | Promise<void>
  abstract close(): void
}

/** Describes an error that every further datagram would have as well. */
export function sendFailure(cause: unknown, destination: Endpoint): Failure {
  const { code, message } = cause as NodeJS.ErrnoException
  const reason = REASONS[code ?? ''] ?? message
  const text = `cannot send to ${destination}: ${reason}${code === undefined ? '' : ` (${code})`}`
  return Object.assign(new Failure(text), { cause })
}

/** The errors of a route whose interface was removed. */
const GONE = 'no route; was the interface removed?'

const REASONS: Readonly<Record<string, string | undefined>> = {
  ENETUNREACH: GONE,
  ENETDOWN: GONE,
  ENODEV: GONE,
  ENXIO: GONE,
  EADDRNOTAVAIL: 'the source address is not on this host; was the interface removed?',
  EHOSTUNREACH: 'the host is unreachable',
  EMSGSIZE: 'the datagrams are too long for the path',
  EPERM: 'rejected by a firewall',
  EACCES: 'not permitted (a broadcast address?)',
  EINVAL: 'this address cannot be reached from this socket',
}

/** The rate of a sender. */
export type Rate = Pick<SendPlan, 'packetsPerSecond' | 'burstMs'>

/** The part that all senders share: counts, sequence numbers, pacing, and when to read the clock. */
export class SendSchedule {
  readonly counts: SendCounts = { packets: 0, sendCalls: 0, wouldBlock: 0, errors: 0 }
  stream = 0
  sequence = 0
  microseconds = 0
  readonly #pacer: Pacer | undefined
  readonly #packetsPerTurn: number

  /** @param batch - number of datagrams that are sent at once */
  constructor(batch: number, { packetsPerSecond, burstMs }: Rate) {
    this.#pacer = packetsPerSecond === undefined ? undefined : new Pacer(packetsPerSecond, batch, burstMs)
    // Reading the clock costs up to a tenth of a send, so without pacing it is read once per 64 datagrams.
    this.#packetsPerTurn = this.#pacer === undefined ? Math.max(batch, CLOCK_EVERY_PACKETS) : batch
  }

  begin(stream: number): void {
    Object.assign(this.counts, { packets: 0, sendCalls: 0, wouldBlock: 0, errors: 0, largestBurst: undefined })
    this.stream = stream
    this.sequence = 0
    this.#pacer?.begin()
  }

  /**
   * Waits until the next datagrams are due and reads the clock.
   *
   * @returns how many packets to send before the next call; 0 if the time is up
   */
  next(untilMs: number): number {
    const burst = this.#pacer?.waitFor(this.sequence, untilMs)
    if (burst === 0) return 0
    const nowMs = performance.now()
    this.microseconds = monotonicMicroseconds(nowMs)
    if (nowMs >= untilMs) return 0
    if (burst !== undefined) this.counts.largestBurst = Math.max(burst, this.counts.largestBurst ?? 0)
    return this.#packetsPerTurn
  }

  /** Waits until the packet after the last one is due. */
  settle(untilMs: number): void {
    this.#pacer?.settle(this.sequence, untilMs)
  }
}

const CLOCK_EVERY_PACKETS = 64

/** A clock that tests can replace. */
export interface Clock {
  nowMs(): number
  /** Blocks the thread. */
  sleepMs(durationMs: number): void
}

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  sleepMs: (durationMs) => void Atomics.wait(NEVER_NOTIFIED, 0, 0, durationMs),
}

/**
 * Limits the sending rate: packet n is due n / rate after the start. It never spins: it sleeps until half a burst is due, because
 * a sleep costs more than a send. Delays up to 50 ms are caught up; after longer ones the schedule is moved.
 */
export class Pacer {
  readonly #packetsPerMs: number
  readonly #batch: number
  readonly #batchMs: number
  /** How long after a batch is due the sleep before it ends. */
  readonly #sleepLateMs: number
  readonly #clock: Clock
  #startMs = 0

  constructor(packetsPerSecond: number, batch: number, burstMs: number, clock: Clock = systemClock) {
    this.#packetsPerMs = packetsPerSecond / 1000
    this.#batch = batch
    this.#batchMs = batch / this.#packetsPerMs
    this.#sleepLateMs = Math.max(0, Math.floor(burstMs / this.#batchMs / 2) - 1) * this.#batchMs
    this.#clock = clock
  }

  /** Starts the schedule: packet 0 is due now. */
  begin(): void {
    this.#startMs = this.#clock.nowMs()
  }

  /**
   * Waits until packet number `packet` is due, or a little longer, but not beyond `untilMs`.
   *
   * @returns how many packets leave at once, in batches: those of the first one due, and of all others due by now; 0 if the
   *   time ran out before
   */
  waitFor(packet: number, untilMs: number): number {
    const dueMs = this.#dueMs(packet)
    let nowMs = this.#clock.nowMs()
    if (nowMs < dueMs) nowMs = this.#sleepUntil(Math.min(dueMs + this.#sleepLateMs, untilMs))
    if (nowMs < dueMs) return 0
    const lateMs = Math.min(nowMs - dueMs, MAX_LATE_MS)
    this.#startMs += nowMs - dueMs - lateMs
    return (Math.floor(lateMs / this.#batchMs) + 1) * this.#batch
  }

  /** Waits until packet number `packet` is due, but not beyond `untilMs`. */
  settle(packet: number, untilMs: number): void {
    this.#sleepUntil(Math.min(this.#dueMs(packet), untilMs))
  }

  #dueMs(packet: number): number {
    return this.#startMs + packet / this.#packetsPerMs
  }

  #sleepUntil(wakeMs: number): number {
    let nowMs = this.#clock.nowMs()
    for (; nowMs < wakeMs; nowMs = this.#clock.nowMs()) this.#clock.sleepMs(wakeMs - nowMs)
    return nowMs
  }
}

/** Returns the batch size for a rate: at most the packets that are due in the time of a burst. */
export function pacedBatch(batch: number, { packetsPerSecond, burstMs }: Rate): number {
  if (packetsPerSecond === undefined) return batch
  return Math.min(batch, Math.max(1, Math.floor((packetsPerSecond * burstMs) / 1000)))
}

const MAX_LATE_MS = 50
const NEVER_NOTIFIED = new Int32Array(new SharedArrayBuffer(4))
