import { type BatchConn, type Endpoint, SendBatch } from '../../../src/index.js'
import { boundSocket } from '../sockets.js'

/** Sends a text as one datagram, from `sender` or else from a new socket. */
export function sendText(text: string, destination: Endpoint, sender?: BatchConn): void {
  const out = new SendBatch({ capacity: 1 })
  out.append(text, destination)
  const conn = sender ?? boundSocket()
  conn.send(out)
  if (sender === undefined) conn.close()
}
