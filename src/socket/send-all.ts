import { setTimeout as sleep } from 'node:timers/promises'
import type { SendBatch } from '../batch/send-batch.js'

/** A message that could not be sent. */
export interface SendFailure {
  /** Its place in the batch. */
  readonly index: number
  /** An `ErrnoError`, or a `TypeError` for a destination this socket cannot serve. */
  readonly error: Error & { readonly code: string }
}

/** What became of a batch. */
export interface SendReport {
  /** How many messages the kernel accepted. Accepted is not delivered. */
  readonly sent: number
  readonly failed: readonly SendFailure[]
}

/** What `sendAll` asks of a socket. */
export interface Sender {
  send(batch: SendBatch): number
  writable(options: { signal?: AbortSignal | undefined }): Promise<void>
}

/** Sends all of a batch: waits when the socket would block, and passes over each message that fails. */
export async function sendAll(sender: Sender, batch: SendBatch, signal?: AbortSignal): Promise<SendReport> {
  const failed: SendFailure[] = []
  let sent = 0
  let idleTurns = 0
  signal?.throwIfAborted()
  while (batch.remaining > 0) {
    const count = sendOrSkip(sender, batch, failed)
    sent += count ?? 0
    if (count !== 0) {
      idleTurns = 0
      continue
    }
    await sender.writable({ signal })
    idleTurns += 1
    // A full device queue (ENOBUFS) leaves the socket writable: give it time instead of spinning.
    if (idleTurns > 1) await sleep(Math.min(2 ** (idleTurns - 2), MAX_PAUSE_MS), undefined, { signal })
  }
  return { sent, failed }
}

/** The count accepted, or undefined after passing over a message that failed. */
function sendOrSkip(sender: Sender, batch: SendBatch, failed: SendFailure[]): number | undefined {
  try {
    return sender.send(batch)
  } catch (error) {
    // Only an error that names a message is that message's own; any other is the socket's.
    if (!isOfMessage(error, batch.sent) || SOCKET_ERRORS.has(error.code)) throw error
    failed.push({ index: batch.sent, error })
    batch.skip()
    return undefined
  }
}

function isOfMessage(error: unknown, index: number): error is Error & { code: string } {
  return error instanceof Error && 'index' in error && error.index === index && 'code' in error
}

const MAX_PAUSE_MS = 16

/** Errors that every other message would meet as well. */
const SOCKET_ERRORS = new Set(['EBADF', 'ENOTSOCK', 'EFAULT', 'ENOMEM'])
