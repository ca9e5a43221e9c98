import * as timers from 'node:timers'
import type { MessageOptions } from '../batch/message-options.js'
import type { Messages } from '../batch/messages.js'
import { checkedLength } from '../batch/payload.js'
import type { Endpoint } from '../endpoint/endpoint.js'
import * as c from '../libc/constants.js'
import { ErrnoError } from '../libc/errno-error.js'
import { LARGE_BATCH } from '../loop/flood.js'
import type { BatchConn } from '../socket/batch-conn.js'
import { type QueuedBatch, recycle, takeBatch } from './batch-pool.js'
import { type Bytes, isView, ownCopy, sizeOf } from './bytes.js'
import { type Completion, finish, settle } from './completion.js'
import { currentTurn, flushSoon, type Outgoing, startTurn } from './flush.js'
import type { QueueSettings } from './options.js'
import type { QueueCounters } from './stats.js'

// Captured at load: V8 stores `process` as a hash table, and fake timers installed later could delay messages.
const { nextTick } = process
const { setTimeout } = timers

/** Observes the state of a queue. */
export interface QueueWatcher {
  /** Called before many messages are sent as single datagrams instead of GSO segments. */
  onLargeBatch(): void
  /** Called to start and stop the watch for writability, which must call `flush`. */
  onBlocked(isBlocked: boolean): void
  /** Called when all queued messages have been sent. */
  onDrain(): void
}

/**
 * Send queue of one socket. Messages are copied when added, and sent in one system call at the end of the tick. While the
 * kernel accepts no more, they stay queued, up to a limit.
 */
export class SendQueue implements Outgoing {
  /** Number of queued bytes. */
  byteLength = 0
  /** Number of queued messages. */
  length = 0
  isScheduled = false
  next: Outgoing | undefined
  readonly #conn: BatchConn
  readonly #watcher: QueueWatcher
  // Copied from the settings, whose object would be one more place in memory per message.
  readonly #maxBytes: number
  readonly #maxMessages: number
  readonly #maxSegments: number
  readonly #counters: QueueCounters
  /** Batches of the queued messages, as a linked list: for one batch, as most queues have, it costs less than an array. */
  #first: QueuedBatch | undefined
  #last: QueuedBatch | undefined
  #isBlocked = false
  /** Turn in which a flush is in progress; -1 if none is. */
  #flushTurn = -1
  #idleFlushes = 0
  /** Number of headers (single datagrams and GSO sends) of the last flush, used as an estimate for the next. */
  #lastHeaders = 0

  constructor(conn: BatchConn, watcher: QueueWatcher, settings: QueueSettings, counters: QueueCounters) {
    this.#conn = conn
    this.#watcher = watcher
    this.#maxBytes = settings.maxQueueBytes
    this.#maxMessages = settings.maxQueueMessages
    this.#maxSegments = settings.maxSegments
    this.#counters = counters
  }

  /** True while messages stay queued because the kernel accepts no more. */
  get isBlocked(): boolean {
    return this.#isBlocked
  }

  /** Queues a message. Its callback runs in a later tick, in the caller's async context. */
  add(payload: Bytes, destination: Endpoint | undefined, completion?: Completion, options?: MessageOptions): void {
    if (this.byteLength > this.#maxBytes || this.length >= this.#maxMessages) {
      this.#counters.drop()
      if (completion !== undefined) finish(completion, -c.ENOBUFS)
    } else {
      const batch = this.#room()
      const size = append(batch, payload, destination, options)
      if (completion !== undefined) {
        completion.byteLength = size
        batch.completions[batch.messages.length - 1] = completion
      }
      this.byteLength += size
      this.length += 1
      if (!this.#isBlocked) flushSoon(this)
    }
    // Queued behind the flush, so most results are available by then; in the caller's async context.
    if (completion !== undefined) nextTick(settle, completion)
  }

  flushScheduled(): void {
    // A queue that became blocked in the meantime waits for writability.
    if (this.length > 0 && !this.#isBlocked) this.flush()
  }

  /** Sends the queued messages until the kernel accepts no more. */
  flush(): void {
    // An async hook runs in the middle of a flush, which then also sends what the hook adds.
    if (this.#flushTurn === currentTurn()) return
    this.#flushTurn = currentTurn()
    try {
      this.#flush()
    } finally {
      this.#flushTurn = -1
    }
  }

  /** Sends the queued messages that can be sent at once, and cancels the rest. */
  finish(): void {
    if (this.length > 0) this.flush()
    this.#setBlocked(false)
    const first = this.#first
    this.#first = undefined
    this.#last = undefined
    this.byteLength = 0
    this.length = 0
    for (let batch = first; batch !== undefined; batch = batch.next) {
      const { sent, length } = batch.messages
      this.#counters.canceled += length - sent
      finishPositions(batch, sent, length, -c.ECANCELED)
    }
  }

  #flush(): void {
    this.#counters.noteLength(this)
    const before = this.length
    if (before >= LARGE_BATCH && this.#lastHeaders >= LARGE_BATCH) this.#watcher.onLargeBatch()
    this.#lastHeaders = 0
    for (let batch = this.#first; batch !== undefined; batch = this.#first) {
      const isSent = this.#send(batch)
      // An async hook has closed the socket, or changed its peer.
      if (this.#first !== batch) return
      if (!isSent) {
        this.#wait(this.length < before)
        return
      }
      this.#first = batch.next
      if (batch.next === undefined) this.#last = undefined
      this.#lastHeaders += batch.messages.planner.accepted
      recycle(batch)
    }
    this.#idleFlushes = 0
    if (!this.#isBlocked) return
    this.#setBlocked(false)
    this.#watcher.onDrain()
  }

  /** Returns a batch with room for one more message. A full batch is sent at once, before the end of the tick. */
  #room(): QueuedBatch {
    if (this.#last !== undefined) {
      const { messages } = this.#last
      if (messages.length < messages.capacity) return this.#last
      if (!this.#isBlocked) this.flush()
    }
    const batch = takeBatch(this.#maxSegments)
    if (this.#last === undefined) this.#first = batch
    else this.#last.next = batch
    this.#last = batch
    return batch
  }

  /** @returns false if the socket would block */
  #send(batch: QueuedBatch): boolean {
    const { messages } = batch
    while (messages.sent < messages.length && this.#first === batch) {
      const from = messages.sent
      const status = this.#sendSome(messages)
      const end = messages.sent
      if (this.#first === batch) {
        this.length -= end - from
        this.byteLength -= messages.bytesBetween(from, end)
      }
      finishPositions(batch, from, end, status)
      if (end === from) return false
    }
    return true
  }

  /** Sends and moves past some messages. Returns 0 if they were sent, or the negative errno of the one that failed. */
  #sendSome(messages: Messages): number {
    try {
      this.#conn.sendMessages(messages)
      return 0
    } catch (error) {
      messages.skip()
      this.#counters.failed += 1
      return error instanceof ErrnoError ? error.errno : -c.EINVAL
    }
  }

  #wait(isProgressing: boolean): void {
    this.#idleFlushes = isProgressing ? 0 : this.#idleFlushes + 1
    this.#isBlocked = true
    // With a full device queue (ENOBUFS) the socket stays writable: watching it would spin, so wait for some time instead.
    const isSpinning = this.#idleFlushes > 1
    this.#watcher.onBlocked(!isSpinning)
    if (!isSpinning) return
    setTimeout(() => {
      startTurn()
      this.flush()
    }, 1)
  }

  #setBlocked(isBlocked: boolean): void {
    if (this.#isBlocked === isBlocked) return
    this.#isBlocked = isBlocked
    this.#watcher.onBlocked(isBlocked)
  }
}

/**
 * Records the result of the messages at positions `from` to `end`, `end` excluded. Coalescing changes the order of messages to
 * different destinations; their callbacks run in the order of the `send` calls all the same, as with node:dgram.
 */
function finishPositions(batch: QueuedBatch, from: number, end: number, status: number): void {
  const { messages, completions } = batch
  if (completions.length === 0) return
  const { order } = messages
  if (!order.isChanged) {
    for (let slot = from; slot < end; slot += 1) {
      const completion = completions[slot]
      if (completion !== undefined) finish(completion, status)
    }
    batch.finished = end
    return
  }
  for (let position = from; position < end; position += 1) {
    const completion = completions[order.slotAt(position)]
    if (completion !== undefined) completion.status = status
  }
  while (batch.finished < completions.length) {
    const completion = completions[batch.finished]
    if (completion !== undefined && completion.status === undefined) return
    batch.finished += 1
    if (completion?.status !== undefined) finish(completion, completion.status)
  }
}

/** @returns number of bytes of the message, as the batch contains it */
function append(
  { batch, messages }: QueuedBatch,
  payload: Bytes,
  destination: Endpoint | undefined,
  options: MessageOptions | undefined,
): number {
  const isPlain = options === undefined && isView(payload)
  const size = isPlain ? checkedLength(payload) : sizeOf(payload)
  if (size > messages.slotBytes) batch.appendReference(ownCopy(payload), destination, options)
  else if (isPlain) messages.append(payload, size, destination, false)
  else batch.append(payload, destination, options)
  return size
}
