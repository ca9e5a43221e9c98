import type { RecvBatch } from '../batch/recv-batch.js'
import { ErrnoError } from '../libc/errno-error.js'
import { nextIteration, throwIfAborted } from '../loop/abort.js'
import { Flood } from '../loop/flood.js'
import { raise } from '../loop/reactor.js'
import { type ReadableEvent, shutDownError } from '../loop/wait.js'

export type { Listening as Subscription } from '../loop/wait.js'

/** Receives the errors of `onReadable` and `batches`. */
export type ErrorCallback = (error: Error) => void

/** The parts of a socket that reading uses. */
export interface Source {
  readonly closed: boolean
  recv(batch: RecvBatch): number
  readable(options: { signal?: AbortSignal | undefined }): Promise<void>
}

/**
 * Calls back with batches until no datagram is available, or the limit per loop iteration is reached.
 *
 * @param capacity - that of the batch
 * @returns number of messages, and of errors
 */
export function readAvailable(
  source: Source,
  batch: RecvBatch,
  capacity: number,
  callback: (batch: RecvBatch) => void,
  onError: ErrorCallback | undefined,
  event: ReadableEvent,
): number {
  let taken = 0
  while (event.isOpen() && taken < DATAGRAMS_PER_ITERATION) {
    const count = receive(source, batch, onError, event)
    if (count === undefined) {
      taken += 1
      continue
    }
    if (count > 0) protect(() => callback(batch))
    taken += count
    if (count < capacity) {
      if (event.isShutDown) fail(shutDownError(), onError, event)
      break
    }
  }
  return taken
}

/** Yields the batch with the datagrams that have arrived, until the socket is closed. */
export async function* batchesOf(
  source: Source,
  batch: RecvBatch,
  signal: AbortSignal | undefined,
  onError: ErrorCallback | undefined,
): AsyncGenerator<RecvBatch, void, void> {
  const flood = new Flood()
  let taken = 0
  while (!source.closed) {
    throwIfAborted(signal)
    let count: number | undefined
    try {
      count = source.recv(batch)
    } catch (error) {
      if (!isNetworkError(error)) throw error
      onError?.(error)
    }
    taken += count ?? 1
    if (count !== undefined && count > 0) yield batch
    if (count !== 0 && taken < DATAGRAMS_PER_ITERATION) continue
    flood.received(taken)
    taken = 0
    // Under constant traffic no await would block, and promises alone do not let timers and other sockets run.
    if (count !== 0 || !flood.isOver()) await nextIteration(signal)
    else if (!(await isReadable(source, signal))) return
  }
}

/** Returns the number of datagrams; undefined after an error, which was reported. */
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

// Any other error would repeat at once, in each loop iteration.
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

/** Waits until the socket is readable. Resolves to false if it was closed meanwhile. */
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
 * Returns true for a network error about an earlier datagram. Any host that can send ICMP can cause one, and the socket
 * continues to work.
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

/** Limit of datagrams per loop iteration, a few system calls. libuv's limit is 32 reads. */
const DATAGRAMS_PER_ITERATION = 256
