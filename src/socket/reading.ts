import type { RecvBatch } from '../batch/recv-batch.js'
import { ErrnoError } from '../libc/errno-error.js'
import { nextIteration, throwIfAborted } from '../loop/abort.js'
import { raise } from '../loop/reactor.js'
import { type ReadableEvent, shutDownError } from '../loop/wait.js'

export type { Listening as Subscription } from '../loop/wait.js'

/** Receives the errors that reading meets. */
export type ErrorCallback = (error: Error) => void

/** The parts of a socket that reading uses. */
export interface Source {
  readonly closed: boolean
  recv(batch: RecvBatch): number
  readable(options: { signal?: AbortSignal | undefined }): Promise<void>
}

/** Hands over batches until there is nothing more, or the share of one loop iteration is used up. */
export function readTurn(
  source: Source,
  batch: RecvBatch,
  callback: (batch: RecvBatch) => void,
  onError: ErrorCallback | undefined,
  event: ReadableEvent,
): void {
  for (let taken = 0; event.isOpen() && taken < DATAGRAMS_PER_TURN; ) {
    const count = receive(source, batch, onError, event)
    if (count === undefined) {
      taken += 1
      continue
    }
    if (count > 0) protect(() => callback(batch))
    taken += count
    if (count < batch.capacity) {
      if (event.isShutDown) fail(shutDownError(), onError, event)
      return
    }
  }
}

/** The batch with what has arrived, again and again, until the socket is closed. */
export async function* batchesOf(
  source: Source,
  batch: RecvBatch,
  signal: AbortSignal | undefined,
  onError: ErrorCallback | undefined,
): AsyncGenerator<RecvBatch, void, void> {
  let taken = 0
  while (!source.closed) {
    throwIfAborted(signal)
    let count = 0
    try {
      count = source.recv(batch)
    } catch (error) {
      if (!isNetworkError(error)) throw error
      taken += 1
      onError?.(error)
      continue
    }
    if (count > 0) {
      taken += count
      yield batch
      if (taken < DATAGRAMS_PER_TURN) continue
      // Under a flood nothing would ever wait, and promises alone do not let timers and other sockets run.
      await nextIteration(signal)
    } else if (!(await isReadable(source, signal))) {
      return
    }
    taken = 0
  }
}

/** Number of datagrams; undefined after an error, which was reported. */
function receive(
  source: Source,
  batch: RecvBatch,
  onError: ErrorCallback | undefined,
  event: ReadableEvent,
): number | undefined {
  try {
    return source.recv(batch)
  } catch (error) {
    if (!isNetworkError(error)) fail(error, onError, event)
    else if (onError !== undefined) protect(() => onError(error))
    return undefined
  }
}

// Any other error would be met again at once, in each loop iteration.
function fail(error: unknown, onError: ErrorCallback | undefined, event: ReadableEvent): void {
  event.close()
  if (onError !== undefined && error instanceof Error) protect(() => onError(error))
  else raise(error)
}

function protect(callback: () => void): void {
  try {
    callback()
  } catch (error) {
    raise(error)
  }
}

/** Waits; false if the socket was closed meanwhile. */
async function isReadable(source: Source, signal: AbortSignal | undefined): Promise<boolean> {
  try {
    await source.readable({ signal })
    return true
  } catch (error) {
    if (source.closed) return false
    throw error
  }
}

/**
 * True for an error that the network answered an earlier datagram with. Anyone who can send ICMP can cause it, and the
 * socket goes on working.
 */
function isNetworkError(error: unknown): error is ErrnoError {
  return error instanceof ErrnoError && NETWORK_ERRORS.has(error.code)
}

/** From icmp_err_convert (net/ipv4/icmp.c), icmpv6_err_convert (net/ipv6/icmp.c) and their callers. */
const NETWORK_ERRORS = new Set([
  'EACCES',
  'ECONNREFUSED',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'EMSGSIZE',
  'ENETUNREACH',
  'ENONET',
  'ENOPROTOOPT',
  'EOPNOTSUPP',
  'EPROTO',
])

/** libuv bounds an iteration at 32 reads; with batches, this is a few system calls. */
const DATAGRAMS_PER_TURN = 256
