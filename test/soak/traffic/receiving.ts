import type { BatchConn, RecvBatch } from '../../../src/index.js'
import type { ReceiveKind } from '../plan/flow.js'

/** Callbacks for received batches and errors. */
export interface ReceiveHandler {
  onBatch(batch: RecvBatch): void
  onError(error: unknown): void
}

/** Receives until the socket is closed, by one of the receive methods of `BatchConn` on the event loop. */
export function startReceiving(conn: BatchConn, kind: ReceiveKind, batch: RecvBatch, handler: ReceiveHandler): void {
  if (kind === 'onReadable') receiveByCallback(conn, batch, handler)
  else void (kind === 'batches' ? receiveByIterating : receiveByWaiting)(conn, batch, handler)
}

function receiveByCallback(conn: BatchConn, batch: RecvBatch, { onBatch, onError }: ReceiveHandler): void {
  conn.onReadable(batch, onBatch, { onError })
}

async function receiveByIterating(conn: BatchConn, batch: RecvBatch, handler: ReceiveHandler): Promise<void> {
  const { onBatch, onError } = handler
  try {
    for await (const received of conn.batches(batch, { onError })) onBatch(received)
  } catch (error) {
    onError(error)
  }
}

async function receiveByWaiting(conn: BatchConn, batch: RecvBatch, handler: ReceiveHandler): Promise<void> {
  while (!conn.closed) {
    try {
      await conn.readable()
      // One batch per wait, so that a flood does not starve the other sockets.
      if (conn.recv(batch) > 0) handler.onBatch(batch)
    } catch (error) {
      if (!conn.closed) handler.onError(error)
    }
  }
}
