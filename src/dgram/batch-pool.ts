import type { Messages } from '../batch/messages.js'
import { SendBatch } from '../batch/send-batch.js'
import { assertSendBatch } from '../socket/batch-arguments.js'
import type { Completion } from './completion.js'
import { countScheduled, flushOldest } from './flush.js'

/** Batch of a send queue. */
export interface QueuedBatch {
  readonly batch: SendBatch
  /** Messages of `batch`. */
  readonly messages: Messages
  /** Callback of each message, by slot; empty if none has one. */
  completions: (Completion | undefined)[]
  /** Number of slots, from the first on, whose messages have a result. */
  finished: number
  /** Next batch of the same queue. */
  next: QueuedBatch | undefined
}

function newBatch(maxSegments: number): QueuedBatch {
  const batch = new SendBatch({ capacity: BATCH_CAPACITY, slotBytes: SLOT_BYTES, coalesce: true, maxSegments })
  return { batch, messages: assertSendBatch(batch), completions: [], finished: 0, next: undefined }
}

/** Returns a free batch. If too many sockets have one in this tick, the queue scheduled first is flushed before its end. */
export function takeBatch(maxSegments: number): QueuedBatch {
  const pool = poolFor(maxSegments)
  if (pool.length === 0 && countScheduled() >= MAX_BATCHES) flushOldest()
  return pool.pop() ?? newBatch(maxSegments)
}

/** Frees a batch whose messages were all sent or have failed. */
export function recycle(batch: QueuedBatch): void {
  batch.messages.clear()
  // Use a new array: storing new objects in an old array triggers V8's write barrier.
  if (batch.completions.length > 0) batch.completions = []
  batch.finished = 0
  batch.next = undefined
  const pool = poolFor(batch.batch.maxSegments)
  if (pool.length < MAX_BATCHES) pool.push(batch)
}

function poolFor(maxSegments: number): QueuedBatch[] {
  const known = pools[maxSegments]
  if (known !== undefined) return known
  const pool: QueuedBatch[] = []
  pools[maxSegments] = pool
  return pool
}

/** Free batches by `maxSegments`, shared by the sockets of a thread. An idle socket holds none. */
const pools: (QueuedBatch[] | undefined)[] = []

/** Maximum number of batches filled at a time per thread, 0.4 MiB each. Blocked sockets hold more, up to their limits. */
const MAX_BATCHES = 16
const BATCH_CAPACITY = 256
const SLOT_BYTES = 1472
