import type { Datagram } from '../batch/datagram.js'
import type { MessageOptions } from '../batch/message-options.js'
import { RecvBatch } from '../batch/recv-batch.js'
import { SendBatch } from '../batch/send-batch.js'
import type { Family } from '../endpoint/endpoint.js'
import { libc } from '../libc/libc.js'
import { BatchConn } from '../socket/batch-conn.js'
import type { OpenOptions } from '../socket/conn-options.js'

/** Name of a feature. */
export type FeatureName = keyof typeof FEATURES

/** Attempts by feature. Each sends and receives over loopback; it returns the observed result, or throws the reason. */
export const FEATURES = {
  ipv4: () => roundTrip({ family: 'ipv4' }),
  ipv6: () => roundTrip({ family: 'ipv6' }),
  sendmmsg: () => batched('sendmmsg', 64),
  recvmmsg: () => batched('recvmmsg', 64),
  gso: () => gsoOf(64),
  gso128: () => gsoOf(128),
  gro: groBuffer,
  zeroCopy: zeroCopySend,
  tos: () => reported({ recvTos: true }, { tos: 0x2a }, ({ tos }) => tos === 0x2a),
  ttl: () => reported({ recvTtl: true }, { ttl: 7 }, ({ ttl }) => ttl === 7),
  destination: () => reported({ recvDestination: true }, {}, ({ destination }) => destination === '127.0.0.1'),
  source: () => reported({}, { source: '127.0.0.9' }, ({ source }) => source?.address === '127.0.0.9'),
  timestamps: () => reported({ recvTimestamps: true }, {}, ({ timestampNs }) => timestampNs !== undefined),
  kernelDrops: countedDrops,
  errorQueue: refusedPort,
  txTime: () => reported({}, { txTimeNs: process.hrtime.bigint() }, () => true, { txTime: 'monotonic' }),
  reusePort: sharedPort,
  transparent: () => opened({ transparent: true }),
  largeBuffers: grantedBuffer,
} as const satisfies Record<string, () => string>

function roundTrip({ family }: { family: Family }): string {
  using receiver = listening(family)
  const [datagram] = exchange(receiver, [['ping']])
  return `a datagram was sent from ${datagram.source} to ${receiver.localAddress}`
}

function batched(call: 'sendmmsg' | 'recvmmsg', count: number): string {
  using receiver = listening('ipv4')
  using sender = BatchConn.open()
  const out = new SendBatch({ capacity: count, slotBytes: 8 })
  for (let index = 0; index < count; index += 1) out.append(String(index), receiver.localAddress)
  const accepted = sender.send(out)
  const arrived = receiver.recvBlocking(new RecvBatch({ capacity: count }), WAIT)
  const seen = call === 'sendmmsg' ? accepted : arrived
  const { available, reason } = (call === 'sendmmsg' ? sender : receiver).batching
  expect(available, reason)
  expect(seen === count, `one call took ${seen} of ${count} messages`)
  const isDirect = libc().isDirect ? ', by syscall(2), bypassing the C library' : ''
  return `one call took ${seen} messages${isDirect}`
}

function gsoOf(segments: number): string {
  using receiver = listening('ipv4')
  using sender = BatchConn.open()
  const out = new SendBatch({ slotBytes: segments, maxSegments: segments })
  out.append(Buffer.alloc(segments), receiver.localAddress, { segmentBytes: 1 })
  sender.send(out)
  expect(sender.gso.available, sender.gso.reason)
  const arrived = receiver.recvBlocking(new RecvBatch({ capacity: segments }), WAIT)
  expect(arrived === segments, `a GSO send of ${segments} segments arrived as ${arrived} datagrams`)
  return `one message arrived as ${segments} datagrams`
}

function zeroCopySend(): string {
  using receiver = listening('ipv4')
  using sender = BatchConn.open({ zeroCopy: { minBytes: 1 } })
  expect(sender.zeroCopy.available, sender.zeroCopy.reason)
  const out = new SendBatch()
  out.append('aabbc', receiver.localAddress, { segmentBytes: 2 })
  sender.send(out)
  expect(sender.waitReleased(out, WAIT), 'the kernel did not complete a send with MSG_ZEROCOPY')
  expect(sender.zeroCopy.completed === 1, 'the kernel rejected a send with MSG_ZEROCOPY')
  return 'a send with MSG_ZEROCOPY was completed; loopback copies all the same'
}

function groBuffer(): string {
  using receiver = listening('ipv4', { gro: true })
  expect(receiver.gro.available, receiver.gro.reason)
  using sender = BatchConn.open()
  const out = new SendBatch()
  out.append('aabbc', receiver.localAddress, { segmentBytes: 2 })
  sender.send(out)
  const inbox = new RecvBatch({ gro: true, capacity: 2 })
  receiver.recvBlocking(inbox, WAIT)
  expect(inbox.length === 1 && inbox.segmentBytes(0) === 2, 'single datagrams arrived instead of a GRO buffer')
  return 'a GRO buffer of 3 datagrams arrived in one slot'
}

function reported(
  receiving: OpenOptions,
  options: MessageOptions,
  isRight: (datagram: Datagram) => boolean,
  sending: OpenOptions = {},
): string {
  using receiver = listening('ipv4', receiving)
  const [datagram] = exchange(receiver, [['x', options]], sending)
  expect(isRight(datagram), 'the kernel accepted the option, but it had no effect')
  return 'sent, and observed by the receiver'
}

function countedDrops(): string {
  using receiver = listening('ipv4', { countDrops: true, receiveBufferBytes: 2304 })
  exchange(
    receiver,
    Array.from({ length: 64 }, () => ['x'.repeat(1000)]),
  )
  exchange(receiver, [['x']])
  expect(Number(receiver.kernelDrops) > 0, 'a full receive buffer did not increase the drop count')
  return `counted ${receiver.kernelDrops} of 64 datagrams as dropped by a full receive buffer`
}

function refusedPort(): string {
  using sender = BatchConn.open({ recvErrors: true })
  using closed = listening('ipv4')
  const unused = closed.localAddress
  closed.close()
  const out = new SendBatch()
  out.append('x', unused)
  sender.send(out)
  const [error] = sender.takeErrors()
  expect(error !== undefined, 'no error was reported after sending to a closed port')
  return `sending to a closed port reported ${error.code}`
}

function sharedPort(): string {
  using first = listening('ipv4', { reusePort: true })
  using second = BatchConn.open({ reusePort: true }).bind(first.localAddress)
  return `two sockets share ${second.localAddress}`
}

function opened(options: OpenOptions): string {
  using conn = BatchConn.open(options)
  return `allowed on descriptor ${conn.fd}`
}

function grantedBuffer(): string {
  const requested = 8 << 20
  using conn = BatchConn.open({ receiveBufferBytes: requested })
  const granted = conn.options.receiveBufferBytes
  expect(
    granted >= requested,
    `requested ${requested} bytes, granted ${granted}: raise net.core.rmem_max, or run with CAP_NET_ADMIN`,
  )
  return `${granted} bytes granted`
}

function listening(family: Family, options: OpenOptions = {}): BatchConn {
  const address = family === 'ipv4' ? '127.0.0.1' : '::1'
  return BatchConn.open({ family, ...options }).bind({ address, port: 0 })
}

/** Sends messages to a socket and returns the datagrams that arrived. */
function exchange(
  receiver: BatchConn,
  messages: readonly (readonly [string, MessageOptions?])[],
  sending: OpenOptions = {},
): Datagram[] {
  using sender = BatchConn.open({ family: receiver.family, ...sending })
  const out = new SendBatch()
  for (const [text, options] of messages) out.append(text, receiver.localAddress, options)
  sender.send(out)
  const inbox = new RecvBatch()
  expect(receiver.recvBlocking(inbox, WAIT) > 0, 'no datagram arrived')
  return [...inbox]
}

function expect(isTrue: boolean, otherwise: string): asserts isTrue {
  if (!isTrue) throw new Error(otherwise)
}

const WAIT = { timeoutMs: 200 }
