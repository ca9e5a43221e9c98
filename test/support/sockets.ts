import { BatchConn, type Endpoint, type OpenOptions, RecvBatch } from '../../src/index.js'

/** Loopback address of a family. */
export const LOOPBACK = { ipv4: '127.0.0.1', ipv6: '::1' } as const

/** Returns a socket bound to a free port of the loopback address. */
export function boundSocket(options: OpenOptions = {}): BatchConn {
  const conn = BatchConn.open({ receiveBufferBytes: 16 << 20, ...options })
  return conn.bind({ address: LOOPBACK[options.family ?? 'ipv4'], port: 0 })
}

/** Returns a loopback port without a socket: bound by the kernel and closed again. */
export function deadEndpoint(options: OpenOptions = {}): Endpoint {
  using conn = boundSocket(options)
  return conn.localAddress
}

/** Receives until no datagram is left. Returns the texts with their sources. */
export function drain(conn: BatchConn, slotBytes = 2048): { text: string; source: string; truncated: boolean }[] {
  const inbox = new RecvBatch({ capacity: 64, slotBytes })
  const all: { text: string; source: string; truncated: boolean }[] = []
  while (conn.recv(inbox) > 0) {
    for (const { bytes, source, truncated } of inbox)
      all.push({ text: bytes.toString(), source: `${source}`, truncated })
  }
  return all
}
