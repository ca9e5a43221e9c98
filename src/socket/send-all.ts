import type { Messages, SendFailure } from '../batch/messages.js'
import { nextIteration, sleep, throwIfAborted } from '../loop/abort.js'

export type { SendFailure }

/** Result of `sendAll`. */
export interface SendReport {
  /** Number of messages the kernel accepted. Accepted is not delivered. */
  readonly sent: number
  readonly failed: readonly SendFailure[]
}

/** The parts of a socket that `sendAll` uses. */
export interface Sender {
  /** Sends in one system call at the most. */
  sendOnce(messages: Messages): number
  writable(options: { signal?: AbortSignal | undefined }): Promise<void>
}

/**
 * Sends all of a batch: waits when the socket would block, and passes over each message that fails. What failed is also
 * noted in the batch, so that it is not lost if a wait ends in an error.
 */
export async function sendAll(sender: Sender, messages: Messages, signal?: AbortSignal): Promise<SendReport> {
  const failed: SendFailure[] = []
  let sent = 0
  let work = 0
  let idleTurns = 0
  throwIfAborted(signal)
  while (messages.sent < messages.length) {
    const count = sendOrSkip(sender, messages, failed)
    if (count !== 0) {
      sent += count ?? 0
      idleTurns = 0
      work += count ?? FAILURE_WORK
      if (work < WORK_PER_TURN || messages.sent >= messages.length) continue
      // Timers and other sockets go on meanwhile.
      await nextIteration(signal)
      work = 0
      continue
    }
    await sender.writable({ signal })
    work = 0
    idleTurns += 1
    // A full device queue (ENOBUFS) leaves the socket writable: give it time instead of spinning.
    if (idleTurns > 1) await sleep(Math.min(2 ** (idleTurns - 2), MAX_PAUSE_MS), signal)
  }
  return { sent, failed }
}

/** The count accepted, or undefined after passing over a message that failed. */
function sendOrSkip(sender: Sender, messages: Messages, failed: SendFailure[]): number | undefined {
  try {
    return sender.sendOnce(messages)
  } catch (error) {
    // Only an error that names a message is that message's own; any other is the socket's.
    if (!isOfMessage(error, messages.sent) || SOCKET_ERRORS.has(error.code)) throw error
    failed.push({ index: messages.sent, error })
    messages.skip(error)
    return undefined
  }
}

function isOfMessage(error: unknown, index: number): error is Error & { code: string } {
  return error instanceof Error && 'index' in error && error.index === index && 'code' in error
}

const MAX_PAUSE_MS = 16

/** Work in one loop iteration, in messages: about a millisecond. */
const WORK_PER_TURN = 1024

/** A message that fails costs as much as this many that are sent: its error object, above all. */
const FAILURE_WORK = 16

/** Errors that every other message would meet as well. */
const SOCKET_ERRORS = new Set(['EBADF', 'ENOTSOCK', 'EFAULT', 'ENOMEM'])
