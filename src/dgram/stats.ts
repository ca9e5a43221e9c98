import type { Counters } from '../socket/counters.js'
import { dropChannel, publishDrop } from '../socket/diagnostics.js'
import type { SocketStats } from '../socket/socket-stats.js'

/**
 * Statistics of a socket of `batchconn/dgram`: a plain object of numbers, a snapshot. Those of the system calls are 0 while
 * `batching` is off, because Node then sends and receives.
 *
 * Each message that `send` accepted is in exactly one of `sentMessages`, `failedMessages`, `canceledMessages` and
 * `queueMessages`.
 */
export interface DgramStats extends SocketStats {
  /** Messages that failed with another error than ENOBUFS and ECANCELED. */
  readonly failedMessages: number
  /** Messages that failed with ECANCELED: they were queued when the socket was closed, or its peer changed. */
  readonly canceledMessages: number
  /** Messages that failed with ENOBUFS, because the queue was full (`maxQueueBytes`, `maxQueueMessages`). */
  readonly queueDrops: number
  /** Messages in the queue now, with those of the current tick: `getSendQueueCount()`. */
  readonly queueMessages: number
  /** Payload bytes of `queueMessages`: `getSendQueueSize()`. */
  readonly queueBytes: number
  /** Largest `queueMessages` so far. */
  readonly maxQueuedMessages: number
  /** Largest `queueBytes` so far. */
  readonly maxQueuedBytes: number
}

/** Current length of a send queue. */
interface QueueLength {
  /** Number of messages. */
  readonly length: number
  readonly byteLength: number
}

/** Counters of the send queue of one socket. */
export class QueueCounters {
  failed = 0
  canceled = 0
  drops = 0
  readonly #counters: Counters
  #maxMessages = 0
  #maxBytes = 0
  #unpublished = 0

  /** @param counters - those of the socket */
  constructor(counters: Counters) {
    this.#counters = counters
  }

  /** Records the length before messages leave: only then can it be the largest. */
  noteLength({ length, byteLength }: QueueLength): void {
    if (length > this.#maxMessages) this.#maxMessages = length
    if (byteLength > this.#maxBytes) this.#maxBytes = byteLength
  }

  /** Counts a message for which the queue has no room. Its event is published in the next tick, with those that follow. */
  drop(): void {
    this.drops += 1
    if (!dropChannel.hasSubscribers) return
    if (this.#unpublished === 0) nextTick(() => this.#publish())
    this.#unpublished += 1
  }

  /** Returns all statistics of the socket, as a new object. */
  stats(socket: SocketStats = this.#counters.stats(), queue: QueueLength = EMPTY): DgramStats {
    this.noteLength(queue)
    return {
      ...socket,
      failedMessages: this.failed,
      canceledMessages: this.canceled,
      queueDrops: this.drops,
      queueMessages: queue.length,
      queueBytes: queue.byteLength,
      maxQueuedMessages: this.#maxMessages,
      maxQueuedBytes: this.#maxBytes,
    }
  }

  #publish(): void {
    const datagrams = this.#unpublished
    this.#unpublished = 0
    publishDrop(this.#counters, 'send-queue', datagrams)
  }
}

const EMPTY: QueueLength = { length: 0, byteLength: 0 }

// Captured at load, so that fake timers installed later cannot delay events.
const { nextTick } = process
