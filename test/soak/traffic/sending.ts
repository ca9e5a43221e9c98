import { setTimeout as sleep } from 'node:timers/promises'
import type { BatchConn, SendBatch } from '../../../src/index.js'

/** Error codes of the messages that failed, by their index in the batch. */
export type Failures = Map<number, string>

/** How one batch is sent. */
export type SendWay = 'sendAll' | 'abort and resume' | 'send'

/** Sends all of a batch. Throws every error that is not the failure of a single message. */
export async function sendBatch(conn: BatchConn, batch: SendBatch, way: SendWay): Promise<Failures> {
  const failures: Failures = new Map()
  if (way === 'send') await sendByHand(conn, batch, failures)
  if (way === 'abort and resume') for (const milliseconds of ABORT_AFTER_MS) await sendUntil(conn, batch, milliseconds)
  if (way !== 'send') await conn.sendAll(batch)
  for (const { index, error } of batch.failed) failures.set(index, error.code)
  return failures
}

/** Aborts `sendAll` after some time, if it has not ended. Another call continues from there. */
async function sendUntil(conn: BatchConn, batch: SendBatch, milliseconds: number): Promise<void> {
  const signal = abortedAfter(milliseconds)
  try {
    await conn.sendAll(batch, { signal })
  } catch (error) {
    if (error !== signal.reason) throw error
  }
}

/** With 0 the signal is aborted from the start: nothing may be sent. */
function abortedAfter(milliseconds: number): AbortSignal {
  return milliseconds === 0 ? AbortSignal.abort(new Error('aborted by the soak')) : AbortSignal.timeout(milliseconds)
}

/** Sends a batch as a caller does who uses only `send`. */
async function sendByHand(conn: BatchConn, batch: SendBatch, failures: Failures): Promise<void> {
  while (batch.remaining > 0) {
    if (sendOrSkip(conn, batch, failures)) continue
    await conn.writable()
    // A full device queue (ENOBUFS) leaves the socket writable.
    await sleep(1)
  }
}

/** Calls `send` once, and skips a message that fails. Returns false if the socket would block. */
export function sendOrSkip(conn: BatchConn, batch: SendBatch, failures: Failures): boolean {
  try {
    return conn.send(batch) > 0
  } catch (error) {
    const { index, code } = error as { index?: number; code?: string }
    if (index !== batch.sent || code === undefined) throw error
    failures.set(index, code)
    batch.skip()
    return true
  }
}

const ABORT_AFTER_MS = [0, 1, 3]
