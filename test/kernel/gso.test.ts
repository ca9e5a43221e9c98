import t from 'tap'
import { BatchConn, type endpoint, type Family, RecvBatch, SendBatch, type SendBatchOptions } from '../../src/index.js'
import { boundSocket, drain, LOOPBACK } from '../support/sockets.js'

// GSO sends (UDP_SEGMENT) over loopback, where a receiver without GRO receives single datagrams.

/** A payload whose segments differ from each other. */
function segmented(byteLength: number, segmentBytes: number): Buffer {
  return Buffer.from(Array.from({ length: byteLength }, (_, at) => Math.floor(at / segmentBytes) & 0xff))
}

function sizes(conn: BatchConn): number[] {
  const inbox = new RecvBatch({ capacity: 256, slotBytes: 9000 })
  const all: number[] = []
  while (conn.recv(inbox) > 0) for (const { bytes } of inbox) all.push(bytes.byteLength)
  return all
}

for (const family of ['ipv4', 'ipv6'] as Family[]) {
  t.test(`${family}: one message is sent as its segments, the last of which may be shorter`, (t) => {
    using receiver = boundSocket({ family })
    using sender = BatchConn.open({ family })
    const most = family === 'ipv4' ? 65_507 : 65_527
    const out = new SendBatch({ slotBytes: 65_535 })
    const table: [number, number, number[]][] = [
      [10_000, 1400, [...Array(7).fill(1400), 200]],
      [2800, 1400, [1400, 1400]],
      [1400, 1400, [1400]],
      [100, 1400, [100]],
      [0, 1400, [0]],
      [64, 1, Array(64).fill(1)],
      [most, 1400, [...Array(Math.floor(most / 1400)).fill(1400), most % 1400]],
    ]
    for (const [byteLength, segmentBytes, expected] of table) {
      out.clear()
      out.append(segmented(byteLength, segmentBytes), receiver.localAddress, { segmentBytes })
      t.equal(sender.send(out), 1, 'one message, however many segments')
      t.strictSame(sizes(receiver), expected, `${byteLength} in ${segmentBytes}`)
    }
    t.equal(sender.gso.available, true)
    t.throws(() => out.append(Buffer.alloc(65), receiver.localAddress, { segmentBytes: 1 }), {
      name: 'RangeError',
      code: 'ERR_GSO_TOO_LARGE',
      message: /65 segments; at most 64/,
    })
    const tooLong = new SendBatch({ slotBytes: 70_000 })
    t.throws(() => tooLong.append(Buffer.alloc(most + 1), receiver.localAddress, { segmentBytes: 1400 }), {
      code: 'ERR_GSO_TOO_LARGE',
      message: new RegExp(String(most)),
    })
    t.end()
  })

  t.test(`${family}: GSO sends, options, single datagrams and references in one batch keep order and content`, (t) => {
    using receiver = boundSocket({ family, recvTtl: true })
    using sender = BatchConn.open({ family })
    const to = receiver.localAddress
    const out = new SendBatch({ slotBytes: 4000 })
    out.append('single', to)
    out.append('aabbc', to, { segmentBytes: 2, ttl: 7 })
    out.appendReference(Buffer.from('xxyy'), to, { segmentBytes: 2 })
    out.reserve(3, to).write('end')
    for (let round = 0; round < 3; round += 1) {
      t.equal(sender.send(out), 4)
      const inbox = new RecvBatch()
      t.equal(receiver.recv(inbox), 7)
      t.strictSame(
        [...inbox].map(({ bytes, ttl }) => [bytes.toString(), ttl]),
        [
          ['single', 64],
          ['aa', 7],
          ['bb', 7],
          ['c', 7],
          ['xx', 64],
          ['yy', 64],
          ['end', 64],
        ],
      )
      out.rewind()
    }
    t.end()
  })
}

t.test('gso off, by option: the library sends the same datagrams one by one', (t) => {
  using receiver = boundSocket()
  using sender = BatchConn.open({ gso: false })
  t.strictSame(sender.gso, { available: false, reason: 'the option gso is false' })
  const out = new SendBatch({ capacity: 40, slotBytes: 65_507 })
  const expected: number[] = []
  for (let index = 0; index < 40; index += 1) {
    if (index % 2 === 0) {
      out.append(segmented(5000, 100), receiver.localAddress, { segmentBytes: 100 })
      expected.push(...Array(50).fill(100))
    } else {
      out.append(Buffer.alloc(index), receiver.localAddress)
      expected.push(index)
    }
  }
  t.equal(sender.send(out), 40, '1020 datagrams, 40 messages')
  t.strictSame(sizes(receiver), expected)
  t.end()
})

t.test('gso off, by environment variable', (t) => {
  t.teardown(() => {
    delete process.env.BATCHCONN_NO_GSO
  })
  for (const [value, available] of [
    ['1', false],
    ['yes', false],
    ['0', true],
    ['', true],
  ] as const) {
    process.env.BATCHCONN_NO_GSO = value
    using conn = BatchConn.open()
    t.equal(conn.gso.available, available, `'${value}'`)
  }
  process.env.BATCHCONN_NO_GSO = '1'
  using conn = BatchConn.open({ gso: true })
  t.match(conn.gso, { available: false, reason: /BATCHCONN_NO_GSO/ }, 'the environment variable overrides the option')
  t.end()
})

t.test('coalesce: counts, order and content are those of the messages', async (t) => {
  using receiver = boundSocket()
  using other = boundSocket()
  using sender = BatchConn.open()
  const to = receiver.localAddress
  const elsewhere = other.localAddress
  const table: [string, ReturnType<typeof endpoint>][][] = [
    [],
    [['a', to]],
    Array.from({ length: 200 }, (_, index) => [String(index).padStart(5), to]),
    [
      ['aaaa', to],
      ['bbbb', to],
      ['cc', to],
      ['dddd', to],
      ['eeee', to],
    ],
    [
      ['aaaa', to],
      ['', to],
      ['', to],
      ['bbbb', to],
      ['bbbbb', to],
    ],
    [
      ['aaaa', to],
      ['bbbb', elsewhere],
      ['cccc', to],
      ['dddd', to],
      ['eeee', elsewhere],
      ['ffff', elsewhere],
    ],
  ]
  for (const messages of table) {
    const out = new SendBatch({ capacity: 256, coalesce: true })
    for (const [text, destination] of messages) out.append(text, destination)
    t.strictSame(await sender.sendAll(out), { sent: messages.length, failed: [] })
    for (const conn of [receiver, other]) {
      const expected = messages.filter(([, destination]) => destination.equals(conn.localAddress))
      t.strictSame(
        drain(conn).map(({ text }) => text),
        expected.map(([text]) => text),
      )
    }
  }
})

t.test('coalesce: messages with different options are not joined', (t) => {
  using receiver = boundSocket({ recvTtl: true })
  using sender = BatchConn.open()
  const out = new SendBatch({ coalesce: true })
  const hops = [5, 5, 6, 6, undefined, undefined, 5]
  for (const ttl of hops) out.append('same', receiver.localAddress, ttl === undefined ? undefined : { ttl })
  t.equal(sender.send(out), hops.length)
  const inbox = new RecvBatch()
  receiver.recv(inbox)
  t.strictSame(
    [...inbox].map(({ ttl }) => ttl),
    hops.map((ttl) => ttl ?? 64),
  )
  t.end()
})

t.test('coalesce: a rejected message is reported with its own index, and all others arrive', async (t) => {
  using receiver = boundSocket()
  using sender = BatchConn.open()
  const out = new SendBatch({ capacity: 300, coalesce: true, slotBytes: 100 })
  for (let index = 0; index < 300; index += 1) {
    if (index === 100) out.appendReference(Buffer.alloc(66_000), receiver.localAddress)
    else out.append(Buffer.alloc(100, index), receiver.localAddress)
  }
  const { sent, failed } = await sender.sendAll(out)
  t.equal(sent, 299)
  t.match(failed, [{ index: 100, error: { code: 'EMSGSIZE', index: 100 } }])
  t.equal(drain(receiver).length, 299)
})

t.test('kernel limits: 64 segments always, 128 only by option', (t) => {
  using receiver = boundSocket()
  using sender = BatchConn.open()
  const options: SendBatchOptions = { capacity: 256, coalesce: true, maxSegments: 128 }
  const out = new SendBatch(options)
  for (let index = 0; index < 256; index += 1) out.append(String(index).padStart(4), receiver.localAddress)
  t.equal(sender.send(out), 256, 'an older kernel rejects 128 segments, and the messages are then sent one by one')
  t.equal(drain(receiver).length, 256)
  t.throws(() => new SendBatch({ maxSegments: 129 }), { code: 'ERR_OUT_OF_RANGE' })
  t.throws(() => new SendBatch({ coalesce: 1 as never }), { code: 'ERR_INVALID_ARG_TYPE' })
  t.end()
})

t.test('coalesce: datagrams of 32,000 bytes are sent, and GSO stays on', (t) => {
  using receiver = BatchConn.open({ receiveBufferBytes: 16 << 20 }).bind({ address: LOOPBACK.ipv4, port: 0 })
  using sender = BatchConn.open()
  // No segment can exceed loopback's MTU of 65,536 bytes: test/faults/mtu.test.ts tests a smaller MTU.
  const out = new SendBatch({ coalesce: true, slotBytes: 32_000 })
  for (let index = 0; index < 4; index += 1) out.append(Buffer.alloc(32_000), receiver.localAddress)
  t.equal(sender.send(out), 4)
  t.equal(sender.gso.available, true)
  t.end()
})
