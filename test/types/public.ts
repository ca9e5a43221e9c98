// Type tests of the public face: compiled, never run. Checks copy this file into projects, where it imports 'batchconn'.
// Each @ts-expect-error marks what must not compile.
import * as nodeDgram from 'node:dgram'
import dgram, {
  createSocket,
  type RemoteInfo,
  type SendTarget,
  Socket,
  type SocketOptions,
} from '../../src/dgram/index.js'
import {
  BatchConn,
  type Datagram,
  type DatagramCopy,
  type Endpoint,
  ErrnoError,
  endpoint,
  type FeatureStatus,
  type MessageOptions,
  type NetworkError,
  type OpenOptions,
  type Payload,
  type ProbeReport,
  type probe,
  RecvBatch,
  SendBatch,
  type SendReport,
  type Subscription,
} from '../../src/index.js'

/** Compiles only if both types are the same. */
export function same<A, B>(..._: Same<A, B> extends true ? [] : ['the types differ']): void {}

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

export async function sending(conn: BatchConn): Promise<void> {
  const out = new SendBatch({ capacity: 64, slotBytes: 1472, coalesce: true })
  const peer = endpoint({ address: '192.0.2.7', port: 9000 })
  const bytes: Payload[] = ['text', new Uint8Array(1), new DataView(new ArrayBuffer(1)), new SharedArrayBuffer(1)]
  const everyOption: MessageOptions = { segmentBytes: 1400, ecn: 2, ttl: 8, source: '192.0.2.1', txTimeNs: 1n }
  const slot = out.reserve(10, peer, { tos: 0x10, interfaceIndex: 1 })
  out.append(bytes, peer, everyOption)
  out.appendReference(Buffer.alloc(8), peer)
  const report = await conn.sendAll(out, { signal: AbortSignal.timeout(1000) })
  for (const { index, error } of report.failed) out.destination(index)?.equals(peer) ?? error.message
  same<typeof slot, Buffer>()
  same<typeof report, SendReport>()
  same<ReturnType<BatchConn['send']>, number>()

  // @ts-expect-error: a number is no payload
  out.append(7)
  // @ts-expect-error: a destination is made by endpoint()
  out.append('text', { address: '192.0.2.7', port: 9000 })
  // @ts-expect-error: a string has no memory that could be referenced
  out.appendReference('text')
  // @ts-expect-error: a misspelled option
  out.append('text', peer, { segmentByte: 1400 })
  // @ts-expect-error: a transmit time is a bigint
  out.append('text', peer, { txTimeNs: 1 })
  // @ts-expect-error: a misspelled option
  new SendBatch({ capasity: 64 })
  // @ts-expect-error: it receives into a RecvBatch
  conn.recv(out)
  // @ts-expect-error: read-only
  peer.port = 1
}

export async function receiving(conn: BatchConn): Promise<void> {
  const inbox = new RecvBatch({ capacity: 64, gro: true })
  for (const datagram of inbox) {
    const copy = datagram.copy()
    same<typeof datagram, Datagram>()
    same<typeof copy, DatagramCopy>()
    same<typeof datagram.bytes, Buffer>()
    same<typeof datagram.source, Endpoint | undefined>()
    same<typeof datagram.timestampNs, bigint | undefined>()
  }
  for await (const batch of conn.batches(inbox, { onError: ({ message }) => message })) same<typeof batch, RecvBatch>()
  const reading = conn.onReadable(inbox, (batch) => batch.bytes(0))
  reading.close()
  same<typeof reading, Subscription>()
  await conn.readable({ signal: AbortSignal.timeout(1000) })
  conn.recvBlocking(inbox, { timeoutMs: 10 })

  // @ts-expect-error: the source may be unknown
  inbox.source(0).address
  // @ts-expect-error: a timeout is in milliseconds
  conn.recvBlocking(inbox, { timeout: 10 })
  // @ts-expect-error: it sends a SendBatch
  conn.send(inbox)
  // @ts-expect-error: an index is a number
  inbox.bytes('0')
}

export function opening(): BatchConn {
  const options: OpenOptions = {
    family: 'ipv6',
    gso: false,
    recvErrors: true,
    reusePort: { steer: 'cpu', sockets: 4 },
    mtuDiscover: 'probe',
    txTime: 'tai',
  }
  const conn = BatchConn.open(options).bind({ address: '::', port: 0 }).connect({ address: '::1', port: 9000 })
  conn.options.receiveBufferBytes = 4_194_304
  same<typeof conn.gso, FeatureStatus>()
  same<ReturnType<typeof conn.takeErrors>, NetworkError[]>()
  same<typeof conn.kernelDrops, number | undefined>()
  same<ReturnType<typeof probe>, ProbeReport>()
  BatchConn.adopt(3, { gro: true }).close()

  // @ts-expect-error: sockets are opened
  new BatchConn()
  // @ts-expect-error: a descriptor has a family
  BatchConn.adopt(3, { family: 'ipv6' })
  // @ts-expect-error: not node:dgram's name
  BatchConn.open({ family: 'udp4' })
  // @ts-expect-error: both are required
  conn.bind({ port: 0 })
  // @ts-expect-error: one of three words
  BatchConn.open({ reusePort: { steer: 'round-robin', sockets: 4 } })
  // @ts-expect-error: read-only
  conn.fd = 1
  return conn
}

export function errors(error: unknown): string {
  if (!(error instanceof ErrnoError)) return ''
  same<typeof error.errno, number>()
  // @ts-expect-error: only errors of addresses have one
  error.address.length
  return `${error.code} ${error.syscall} ${error.index ?? 0}`
}

export function dropIn(): nodeDgram.Socket[] {
  const options: SocketOptions = { type: 'udp4', reuseAddr: true, recvTos: true, maxQueueBytes: 1_000_000 }
  const socket = createSocket(options, (bytes, info) => {
    same<typeof info, RemoteInfo>()
    return bytes.readUInt8(0) + (info.ecn ?? 0)
  })
  const target: SendTarget = { address: '192.0.2.7', port: 9000, ttl: 4 }
  socket.send('text', 9000, '192.0.2.7', (error, bytes) => error?.message ?? bytes.toFixed())
  socket.send(['two ', Buffer.from('pieces')], 9000)
  socket.send(new Uint8Array(4), 0, 4, 9000, '192.0.2.7')
  socket.send('text', target)
  socket.sendMany(['one', 'two'], target, (error) => error?.message)
  socket.on('batch', (batch) => same<typeof batch, RecvBatch>())
  socket.once('networkError', (error) => same<typeof error, NetworkError>())
  socket.on('listening', () => socket.address().port).on('message', (bytes, { address }) => address + bytes.length)
  const fromConstructor = new Socket({ type: 'udp6' })
  const named: dgram.Socket = dgram.createSocket('udp4')

  // @ts-expect-error: not a type of socket
  createSocket('tcp4')
  // @ts-expect-error: a misspelled option
  createSocket({ type: 'udp4', maxQueueByte: 1 })
  // @ts-expect-error: a number is no message
  socket.send(7, 9000)
  // @ts-expect-error: Node's own socket has no batches
  nodeDgram.createSocket('udp4').sendMany(['one'])
  // @ts-expect-error: interfaces have numbers
  socket.send('text', { interfaceIndex: 'eth0' })
  return [socket, fromConstructor, named]
}
