import { setImmediate as nextTurn } from 'node:timers/promises'
import type { RecvBatch } from '../batch/recv-batch.js'
import { raise } from '../loop/reactor.js'

export type { Listening as Reading } from '../loop/wait.js'

/** What reading asks of a socket. */
export interface Source {
  readonly closed: boolean
  recv(batch: RecvBatch): number
  readable(options: { signal?: AbortSignal | undefined }): Promise<void>
}

/** One turn of the event loop's worth: hands over batches until there is nothing more, or it has been enough. */
export function readTurn(
  source: Source,
  batch: RecvBatch,
  callback: (batch: RecvBatch) => void,
  isOpen: () => boolean,
): void {
  let taken = 0
  while (isOpen() && taken < DATAGRAMS_PER_TURN) {
    try {
      const count = source.recv(batch)
      if (count === 0) return
      taken += count
      callback(batch)
      if (count < batch.capacity) return
    } catch (error) {
      // Once it is uncaught and survived, the next turn goes on with what is left.
      raise(error)
      return
    }
  }
}

/** The batch with what has arrived, again and again, until the socket is closed. */
export async function* batchesOf(
  source: Source,
  batch: RecvBatch,
  signal: AbortSignal | undefined,
): AsyncGenerator<RecvBatch, void, void> {
  let taken = 0
  while (!source.closed) {
    signal?.throwIfAborted()
    const count = source.recv(batch)
    if (count > 0) {
      taken += count
      yield batch
      if (taken < DATAGRAMS_PER_TURN) continue
      // Under a flood nothing would ever wait, and promises alone do not let timers and other sockets run.
      await nextTurn(undefined, { signal })
    } else if (!(await isReadable(source, signal))) {
      return
    }
    taken = 0
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

/** libuv bounds a turn at 32 reads; with batches, this is a few system calls. */
const DATAGRAMS_PER_TURN = 256
