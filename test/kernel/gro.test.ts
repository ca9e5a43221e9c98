import t from 'tap'
import { BatchConn, type Family, RecvBatch, SendBatch } from '../../src/index.js'
import { isKernelAtLeast } from '../../src/socket/segmentation-offload.js'
import { boundSocket } from '../support/sockets.js'

// UDP_GRO over loopback. Loopback coalesces no datagrams, but delivers a GSO send unsegmented, as one GRO buffer.

for (const family of ['ipv4', 'ipv6'] as Family[]) {
  t.test(`${family}: a GSO send is one slot by index and single datagrams by iteration, without a copy`, (t) => {
    using receiver = boundSocket({ family, gro: true, recvTtl: true, recvTos: true })
    t.strictSame(receiver.gro, { available: true, reason: 'the kernel accepted UDP_GRO' })
    using sender = BatchConn.open({ family })
    const to = receiver.localAddress
    const out = new SendBatch({ slotBytes: 65_507 })
    out.append('single', to)
    out.append('aabbc', to, { segmentBytes: 2, ttl: 9, ecn: 2 })
    out.append('', to)
    out.append(Buffer.alloc(14_000, 'z'), to, { segmentBytes: 1400 })
    out.append('last', to)
    const inbox = new RecvBatch({ capacity: 8, gro: true })
    for (let round = 0; round < 3; round += 1) {
      out.rewind()
      t.equal(sender.send(out), 5)
      t.equal(receiver.recv(inbox), 5)
      const index = [0, 1, 2, 3, 4]
      t.strictSame(
        index.map((at) => [inbox.size(at), inbox.segmentBytes(at)]),
        [
          [6, 6],
          [5, 2],
          [0, 0],
          [14_000, 1400],
          [4, 4],
        ],
      )
      const seen = [...inbox]
      t.strictSame(
        seen.slice(0, 5).map(({ bytes, ttl, ecn, truncated }) => [bytes.toString(), ttl, ecn, truncated]),
        [
          ['single', 64, 0, false],
          ['aa', 9, 2, false],
          ['bb', 9, 2, false],
          ['c', 9, 2, false],
          ['', 64, 0, false],
        ],
      )
      t.equal(seen.length, 5 + 10 + 1)
      t.ok(seen.slice(5, 15).every(({ bytes }) => bytes.byteLength === 1400 && bytes.equals(Buffer.alloc(1400, 'z'))))
      t.equal(seen[15].bytes.toString(), 'last')
      t.equal(seen[1].bytes.buffer, inbox.bytes(1).buffer, 'views, not copies')
      t.ok(seen.every(({ source }) => source === seen[0].source))
    }
    t.end()
  })
}

t.test('a slot smaller than a GRO buffer is rejected, by recv and by the constructor', (t) => {
  using receiver = boundSocket({ gro: true })
  t.throws(() => receiver.recv(new RecvBatch()), {
    name: 'RangeError',
    code: 'ERR_SLOT_TOO_SMALL',
    message: /65536; received 2048/,
  })
  t.throws(() => new RecvBatch({ gro: true, slotBytes: 9000 }), { code: 'ERR_SLOT_TOO_SMALL' })
  t.equal(new RecvBatch({ gro: true }).slotBytes, 65_536)
  t.equal(receiver.recv(new RecvBatch({ slotBytes: 65_536 })), 0)
  t.end()
})

t.test('GRO is off by default, by option and by environment: a GSO send arrives as single datagrams', (t) => {
  t.teardown(() => {
    delete process.env.BATCHCONN_NO_GRO
  })
  const table: [boolean | undefined, string | undefined, RegExp][] = [
    [undefined, undefined, /option gro/],
    [false, undefined, /option gro/],
    [true, '1', /BATCHCONN_NO_GRO/],
  ]
  for (const [gro, variable, reason] of table) {
    if (variable !== undefined) process.env.BATCHCONN_NO_GRO = variable
    using receiver = boundSocket(gro === undefined ? {} : { gro })
    t.match(receiver.gro, { available: false, reason })
    using sender = BatchConn.open()
    const out = new SendBatch()
    out.append('aabbc', receiver.localAddress, { segmentBytes: 2 })
    sender.send(out)
    const inbox = new RecvBatch()
    t.equal(receiver.recv(inbox), 3)
    t.strictSame(
      [0, 1, 2].map((at) => inbox.bytes(at).toString()),
      ['aa', 'bb', 'c'],
    )
  }
  t.end()
})

t.test('the control messages of all options together fit the control buffer', (t) => {
  for (const family of ['ipv4', 'ipv6'] as Family[]) {
    const all = {
      recvTos: true,
      recvTtl: true,
      recvDestination: true,
      recvTimestamps: true,
      countDrops: true,
      gro: true,
    }
    using receiver = boundSocket({ family, ...all, receiveBufferBytes: 4096 })
    using sender = BatchConn.open({ family })
    const out = new SendBatch()
    const inbox = new RecvBatch({ gro: true })
    for (let index = 0; index < 50; index += 1) out.append('aabbc', receiver.localAddress, { segmentBytes: 2 })
    sender.send(out)
    while (receiver.recv(inbox) > 0);
    out.rewind()
    sender.send(out)
    receiver.recv(inbox)
    t.ok((receiver.kernelDrops ?? 0) > 0, 'the drop count was received too')
    t.equal(inbox.controlTruncated(0), false)
    t.match([...inbox][0], { tos: 0, ttl: 64, interfaceIndex: 1, controlTruncated: false })
    t.equal(inbox.segmentBytes(0), 2)
  }
  t.end()
})

t.test('kernel releases are compared as numbers', (t) => {
  t.equal(isKernelAtLeast('5.12.0', 5, 12), true)
  t.equal(isKernelAtLeast('5.4.0-150-generic', 5, 12), false)
  t.equal(isKernelAtLeast('6.1.0-13-amd64', 5, 12), true)
  t.equal(isKernelAtLeast('4.18.0', 5, 12), false)
  t.end()
})
