import { monotonicMicroseconds } from './clock.js'
import type { SendCounts, SendPlan } from './sender.js'

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
