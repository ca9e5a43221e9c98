import { BatchConn, type Endpoint, endpoint } from '../../../src/index.js'

/** A socket to send from, connected or not, and the destination to name: undefined for the connected peer. */
export interface SendingSocket {
  readonly conn: BatchConn
  readonly destination: Endpoint | undefined
}

export function openSendingSocket(to: { address: string; port: number }, connected: boolean): SendingSocket {
  const peer = endpoint(to)
  const conn = BatchConn.open({ family: peer.family, sendBufferBytes: SEND_BUFFER_BYTES })
  if (connected) conn.connect(peer)
  return { conn, destination: connected ? undefined : peer }
}

// Large enough that a batch of 1024 never waits for the device to give buffers back.
const SEND_BUFFER_BYTES = 16 * 2 ** 20
