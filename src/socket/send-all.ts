import type { Messages, SendFailure } from '../batch/messages.js'
import { nextIteration, sleep, throwIfAborted } from '../loop/abort.js'
import { assertNotInterrupted } from './transmit.js'

export type { SendFailure }

/** Result of `sendAll`. */
export interface SendReport {
  /** Number of messages the kernel accepted. An accepted message may still be lost. */
  readonly sent: number
  readonly failed: readonly SendFailure[]
}

/** The parts of a socket that `sendAll` uses. */
export interface Sender {
  /** Sends with at most one system call. */
  sendMessages(messages: Messages, maxCalls: number): number
  writable(options: { signal?: AbortSignal | undefined }): Promise<void>
}

/**
 * Sends all of a batch: waits when the socket would block, and skips each message that fails. Failures are also recorded in
 * the batch, so that they are not lost if a wait rejects.
 */
export async function sendAll(sender: Sender, messages: Messages, signal?: AbortSignal): Promise<SendReport> {
  const failed: SendFailure[] = []
  let sent = 0
  let work = 0
  let idleWaits = 0
  throwIfAborted(signal)
  while (messages.sent < messages.length) {
    assertNotInterrupted(messages)
    const count = sendOrSkip(sender, messages, failed)
    if (count !== 0) {
      sent += count ?? 0
      idleWaits = 0
      work += count ?? FAILURE_WORK
      if (work < WORK_PER_ITERATION || messages.sent >= messages.length) continue
      // Let timers and other sockets run.
      await nextIteration(signal)
      work = 0
      continue
    }
    await sender.writable({ signal })
    work = 0
    idleWaits += 1
    // With a full device queue (ENOBUFS) the socket stays writable: sleep instead of spinning.
    if (idleWaits > 1) await sleep(Math.min(2 ** (idleWaits - 2), MAX_PAUSE_MS), signal)
  }
  return { sent, failed }
}

/** Returns the number of accepted messages, or undefined after skipping one that failed. */
function sendOrSkip(sender: Sender, messages: Messages, failed: SendFailure[]): number | undefined {
  try {
    return sender.sendMessages(messages, 1)
  } catch (error) {
    // An error with an `index` belongs to that message; any other error belongs to the socket.
    if (!isOfMessage(error, messages.next) || SOCKET_ERRORS.has(error.code)) throw error
    // A subscriber of batchconn.send may have cleared the batch.
    if (messages.sent >= messages.length) return undefined
    failed.push({ index: messages.next, error })
    messages.skip(error)
    return undefined
  }
}

function isOfMessage(error: unknown, index: number): error is Error & { code: string } {
  return (
    error instanceof Error &&
    Object.hasOwn(error, 'index') &&
    'index' in error &&
    error.index === index &&
    'code' in error
  )
}

const MAX_PAUSE_MS = 16

/** Limit of the work per loop iteration, in messages: about one millisecond. */
const WORK_PER_ITERATION = 1024

/** Cost of a failed message, in sent messages, mainly for its error object. */
const FAILURE_WORK = 16

/** Errors that would fail every other message as well. */
const SOCKET_ERRORS = new Set(['EBADF', 'ENOTSOCK', 'EFAULT', 'ENOMEM'])
