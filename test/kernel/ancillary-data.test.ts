import t from 'tap'
import {
  BatchConn,
  type Endpoint,
  endpoint,
  type MessageOptions,
  type OpenOptions,
  RecvBatch,
  SendBatch,
} from '../../src/index.js'
import { hasNetAdmin } from '../support/capabilities.js'
import { boundSocket, LOOPBACK } from '../support/sockets.js'

// The options of a message arrive as the receiver's ancillary data, for each notation of an address. UDP_SEGMENT is a
// uint16, IP_TTL an int. A mapped destination takes IP_TOS; a dual-stack receiver requires IP_RECVTOS and
// IPV6_RECVTCLASS. For IP_PKTINFO, recvmsg reads ipi_addr and sendmsg writes ipi_spec_dst. The control buffer must hold
// all enabled messages.

const EVERYTHING: OpenOptions = {
  countDrops: true,
  recvTos: true,
  recvTtl: true,
  recvDestination: true,
  recvTimestamps: true,
  recvErrors: true,
}

interface Way {
  readonly name: string
  readonly sender: OpenOptions
  readonly receiver: OpenOptions
  readonly bind: string
  readonly destination: string
  readonly source: string
  readonly seenDestination: string
  readonly seenSource: string
}

const WAYS: Way[] = [
  {
    name: 'IPv4',
    sender: { family: 'ipv4' },
    receiver: { family: 'ipv4' },
    bind: '127.0.0.1',
    destination: '127.0.0.1',
    source: '127.0.0.9',
    seenDestination: '127.0.0.1',
    seenSource: '127.0.0.9',
  },
  {
    name: 'IPv6',
    sender: { family: 'ipv6' },
    receiver: { family: 'ipv6' },
    bind: '::1',
    destination: '::1',
    source: '::1',
    seenDestination: '::1',
    seenSource: '::1',
  },
  {
    name: 'IPv4-mapped, from an IPv6 socket to a dual-stack one',
    sender: { family: 'ipv6', ipv6Only: false },
    receiver: { family: 'ipv6', ipv6Only: false },
    bind: '::',
    destination: '::ffff:127.0.0.1',
    source: '::ffff:127.0.0.9',
    seenDestination: '::ffff:127.0.0.1',
    seenSource: '::ffff:127.0.0.9',
  },
  {
    name: 'IPv4, to a dual-stack socket',
    sender: { family: 'ipv4' },
    receiver: { family: 'ipv6', ipv6Only: false },
    bind: '::',
    destination: '127.0.0.1',
    source: '127.0.0.9',
    seenDestination: '::ffff:127.0.0.1',
    seenSource: '::ffff:127.0.0.9',
  },
]

for (const way of WAYS) {
  for (const connected of [false, true]) {
    t.test(`options arrive as ancillary data: ${way.name}, ${connected ? 'connected' : 'not connected'}`, (t) => {
      using receiver = BatchConn.open({ ...way.receiver, ...EVERYTHING }).bind({ address: way.bind, port: 0 })
      using sender = BatchConn.open(way.sender)
      const peer = endpoint({ address: way.destination, port: receiver.localAddress.port })
      if (connected) sender.connect(peer)
      const destination = connected ? undefined : peer
      const table: [MessageOptions | undefined, object][] = [
        [undefined, { tos: 0, ecn: 0, ttl: 64 }],
        [{ ecn: 2 }, { tos: 2, ecn: 2 }],
        [
          { ecn: 3, tos: 0xb8 },
          { tos: 0xbb, ecn: 3 },
        ],
        [{ tos: 0x28 }, { tos: 0x28, ecn: 0 }],
        [{ ttl: 1 }, { ttl: 1, tos: 0 }],
        [
          { ttl: 255, ecn: 1 },
          { ttl: 255, ecn: 1 },
        ],
        [{ source: way.source }, { source: { address: way.seenSource } }],
        [
          { ecn: 1, ttl: 9, source: way.source, interfaceIndex: 1 },
          { ecn: 1, ttl: 9, source: { address: way.seenSource } },
        ],
        ...(connected ? [] : [[{ interfaceIndex: 1 }, { interfaceIndex: 1 }] satisfies [MessageOptions, object]]),
        [{}, { tos: 0, ttl: 64 }],
        [undefined, { tos: 0, ttl: 64 }],
      ]
      const out = new SendBatch()
      const inbox = new RecvBatch()
      for (let round = 0; round < 2; round += 1) {
        out.clear()
        // The second round shifts the options by one slot: a slot must not keep options of the first round.
        if (round === 1) out.append('shift', destination)
        for (const [options] of table) out.append('x', destination, options)
        t.equal(sender.send(out), table.length + round)
        t.equal(receiver.recv(inbox), table.length + round)
        const now = BigInt(Date.now()) * 1_000_000n
        for (const [index, datagram] of [...inbox].slice(round).entries()) {
          t.match(datagram, table[index][1], JSON.stringify(table[index][0]))
          t.match(datagram, { destination: way.seenDestination, interfaceIndex: 1, controlTruncated: false })
          const age = now - (datagram.timestampNs ?? 0n)
          t.ok(age > -1_000_000_000n && age < 60_000_000_000n, `received just now, ${age} ns ago`)
        }
      }
      t.end()
    })
  }
}

t.test('ancillary data that was not enabled is undefined', (t) => {
  using receiver = BatchConn.open().bind({ address: LOOPBACK.ipv4, port: 0 })
  using sender = BatchConn.open()
  const out = new SendBatch()
  out.append('x', receiver.localAddress, { ecn: 1, ttl: 5 })
  sender.send(out)
  const inbox = new RecvBatch()
  receiver.recv(inbox)
  const [{ tos, ecn, ttl, destination, interfaceIndex, timestampNs }] = inbox
  t.strictSame(
    { tos, ecn, ttl, destination, interfaceIndex, timestampNs },
    {
      tos: undefined,
      ecn: undefined,
      ttl: undefined,
      destination: undefined,
      interfaceIndex: undefined,
      timestampNs: undefined,
    },
  )
  t.end()
})

const skip = process.getuid?.() === 0 ? false : 'IP_TRANSPARENT needs root'
t.test('a source of another host requires transparent, or freebind over IPv6', { skip }, (t) => {
  const table: [OpenOptions, source: string, code: string | undefined][] = [
    [{ family: 'ipv4' }, '192.0.2.1', 'ENETUNREACH'],
    // ip(7): over IPv4, IP_FREEBIND affects bind(2) only.
    [{ family: 'ipv4', freebind: true }, '192.0.2.1', 'ENETUNREACH'],
    [{ family: 'ipv4', transparent: true }, '192.0.2.1', undefined],
    [{ family: 'ipv6' }, '2001:db8::1', 'EINVAL'],
    [{ family: 'ipv6', freebind: true }, '2001:db8::1', undefined],
    [{ family: 'ipv6', transparent: true }, '2001:db8::1', undefined],
  ]
  for (const [options, source, code] of table) {
    using receiver = boundSocket({ family: options.family ?? 'ipv4' })
    using sender = BatchConn.open(options)
    const out = new SendBatch()
    out.append('x', receiver.localAddress, { source })
    if (code === undefined) t.equal(sender.send(out), 1)
    else t.throws(() => sender.send(out), { code, index: 0 })
  }
  using early = BatchConn.open({ freebind: true }).bind({ address: '192.0.2.1', port: 0 })
  t.equal(early.localAddress.address, '192.0.2.1')
  t.end()
})

t.test('copy keeps the ancillary data', (t) => {
  using receiver = BatchConn.open(EVERYTHING).bind({ address: '127.0.0.1', port: 0 })
  using sender = BatchConn.open()
  const out = new SendBatch()
  const inbox = new RecvBatch()
  out.append('first', receiver.localAddress, { ttl: 5, ecn: 2 })
  sender.send(out)
  receiver.recv(inbox)
  const copy = [...inbox][0].copy()
  out.clear()
  out.append('other', receiver.localAddress, { ttl: 6 })
  sender.send(out)
  receiver.recv(inbox)
  t.equal(copy.bytes.toString(), 'first')
  t.match(copy, { ttl: 5, ecn: 2, tos: 2, destination: '127.0.0.1', interfaceIndex: 1, truncated: false })
  t.type(copy.timestampNs, 'bigint')
  t.end()
})

t.test('txTimeNs is accepted by a socket with txTime, and rejected by the kernel without', (t) => {
  using receiver = BatchConn.open().bind({ address: '127.0.0.1', port: 0 })
  const out = new SendBatch()
  out.append('x', receiver.localAddress, { txTimeNs: process.hrtime.bigint() })
  // 'tai' requires CAP_NET_ADMIN.
  if (!hasNetAdmin()) t.throws(() => BatchConn.open({ txTime: 'tai' }), { code: 'EPERM' })
  for (const txTime of hasNetAdmin() ? (['monotonic', 'tai'] as const) : (['monotonic'] as const)) {
    using timed = BatchConn.open({ txTime })
    t.equal(timed.send(out), 1)
    out.rewind()
  }
  using plain = BatchConn.open()
  t.throws(() => plain.send(out), { code: 'EINVAL' })
  t.end()
})

t.test('invalid options are rejected and leave the batch unchanged', (t) => {
  const out = new SendBatch({ capacity: 4 })
  const ipv4 = endpoint({ address: '127.0.0.1', port: 9 })
  const ipv6 = endpoint({ address: '::1', port: 9 })
  const table: [MessageOptions, Endpoint, { code: string; message?: RegExp }][] = [
    [{ ecn: 4 }, ipv4, { code: 'ERR_OUT_OF_RANGE', message: /ecn must be an integer from 0 to 3; received 4/ }],
    [{ tos: 256 }, ipv4, { code: 'ERR_OUT_OF_RANGE' }],
    [{ ttl: 0 }, ipv4, { code: 'ERR_OUT_OF_RANGE' }],
    [{ ttl: '5' as never }, ipv4, { code: 'ERR_INVALID_ARG_TYPE' }],
    [{ source: '::1' }, ipv4, { code: 'ERR_ADDRESS_FAMILY' }],
    [{ source: '127.0.0.1' }, ipv6, { code: 'ERR_ADDRESS_FAMILY' }],
    [{ source: 'localhost' }, ipv4, { code: 'ERR_INVALID_ARG_VALUE' }],
    [{ interfaceIndex: -1 }, ipv4, { code: 'ERR_OUT_OF_RANGE' }],
    [{ txTimeNs: 5 as never }, ipv4, { code: 'ERR_INVALID_ARG_TYPE' }],
    [{ txTimeNs: -1n }, ipv4, { code: 'ERR_OUT_OF_RANGE' }],
    [{ segmentBytes: 0 }, ipv4, { code: 'ERR_OUT_OF_RANGE' }],
    [{ segmentBytes: 65_536 }, ipv4, { code: 'ERR_OUT_OF_RANGE' }],
    [{ segmentByte: 5 } as never, ipv4, { code: 'ERR_UNKNOWN_OPTION', message: /segmentByte'.*segmentBytes/ }],
  ]
  t.throws(() => out.append('x', undefined, { interfaceIndex: 1 }), { code: 'ERR_INVALID_ARG_VALUE' })
  for (const [options, destination, expected] of table) {
    t.throws(() => out.append('x', destination, options), expected)
    t.throws(() => out.appendReference(Buffer.from('x'), destination, options), expected)
    t.throws(() => out.reserve(1, destination, options), expected)
    t.equal(out.length, 0)
  }
  using receiver = BatchConn.open({ recvTtl: true }).bind({ address: '127.0.0.1', port: 0 })
  using sender = BatchConn.open()
  out.append('whole', receiver.localAddress)
  t.equal(sender.send(out), 1)
  const inbox = new RecvBatch()
  receiver.recv(inbox)
  t.equal(inbox.bytes(0).toString(), 'whole')
  t.equal(inbox.ttl(0), 64)
  t.end()
})
