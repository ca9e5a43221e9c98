import t from 'tap'
import { endpoint, RecvBatch, type RecvBatchOptions } from '../../src/index.js'
import { MSG_CTRUNC, MSG_TRUNC } from '../../src/libc/constants.js'
import { arrive } from '../support/fake-kernel.js'
import { type Misuse, rejects } from '../support/misuse.js'

const ipv4 = endpoint({ address: '192.0.2.7', port: 9000 })
const ipv6 = endpoint({ address: '2001:db8::7', port: 9000 })

t.test('defaults are 64 datagrams of 2048 bytes', async (t) => {
  const batch = new RecvBatch()
  t.equal(batch.capacity, 64)
  t.equal(batch.slotBytes, 2048)
  t.equal(batch.length, 0)
  t.same([...batch], [])
})

t.test('received datagrams are read by index', async (t) => {
  const batch = new RecvBatch({ capacity: 4 })
  arrive(batch, [
    { payload: 'one', source: ipv4 },
    { payload: '', source: ipv6 },
    { payload: 'three', source: ipv4, flags: MSG_CTRUNC },
  ])
  t.equal(batch.length, 3)
  t.same(
    [0, 1, 2].map((index) => batch.bytes(index).toString()),
    ['one', '', 'three'],
  )
  t.same(
    [0, 1, 2].map((index) => batch.size(index)),
    [3, 0, 5],
    'an empty datagram is counted',
  )
  t.same(
    [0, 1, 2].map((index) => `${batch.source(index)}`),
    [`${ipv4}`, `${ipv6}`, `${ipv4}`],
  )
  t.same(
    [0, 1, 2].map((index) => batch.controlTruncated(index)),
    [false, false, true],
  )
  t.same(
    [0, 1, 2].map((index) => batch.truncated(index)),
    [false, false, false],
  )
})

t.test('a datagram longer than its slot is cut and marked as truncated, whatever msg_len is', async (t) => {
  const batch = new RecvBatch({ capacity: 2, slotBytes: 100 })
  for (const length of [100, 101, 65_507, 0xffff_ffff]) {
    arrive(batch, [{ payload: 'x'.repeat(100), length, flags: MSG_TRUNC, source: ipv4 }, { payload: 'after' }])
    t.equal(batch.size(0), 100)
    t.equal(batch.bytes(0).toString(), 'x'.repeat(100))
    t.ok(batch.truncated(0))
    t.equal(batch.bytes(1).toString(), 'after')
    t.notOk(batch.truncated(1))
  }
})

t.test('bytes returns a view of the batch, the same object as long as the size is the same', async (t) => {
  const batch = new RecvBatch({ capacity: 2 })
  arrive(batch, [{ payload: 'first' }])
  const view = batch.bytes(0)
  t.equal(batch.bytes(0), view)
  arrive(batch, [{ payload: 'other' }])
  t.equal(batch.bytes(0), view)
  t.equal(view.toString(), 'other', 'the view shows the new datagram')
  arrive(batch, [{ payload: 'longer one' }])
  t.equal(batch.bytes(0).toString(), 'longer one')
  arrive(batch, [{ payload: 'shorter' }])
  t.equal(batch.bytes(0).toString(), 'shorter')
  arrive(batch, [{ payload: '' }])
  t.equal(batch.bytes(0).byteLength, 0)
  arrive(batch, [{ payload: 'first' }])
  t.equal(batch.bytes(0).toString(), 'first')
})

t.test('the same peer is the same object, in any slot and at any time', async (t) => {
  const batch = new RecvBatch({ capacity: 3 })
  arrive(batch, [{ source: ipv4 }, { source: ipv6 }, { source: ipv4 }])
  const [first, second] = [batch.source(0), batch.source(1)]
  t.ok(first?.equals(ipv4))
  t.ok(second?.equals(ipv6))
  t.equal(batch.source(2), first)
  arrive(batch, [{ source: ipv6 }, { source: ipv4 }])
  t.equal(batch.source(0), second)
  t.equal(batch.source(1), first)
})

t.test('a peer that differs in any field is another object', async (t) => {
  const batch = new RecvBatch({ capacity: 1 })
  const peers = ['192.0.2.7', '192.0.2.8', '::ffff:192.0.2.7', 'fe80::1%7', 'fe80::1%8'].flatMap((address) =>
    [9000, 9001].map((port) => endpoint({ address, port })),
  )
  for (const peer of peers) {
    arrive(batch, [{ source: peer }])
    t.equal(`${batch.source(0)}`, `${peer}`)
  }
})

t.test('a source that is missing or neither IPv4 nor IPv6 is undefined', async (t) => {
  const batch = new RecvBatch({ capacity: 1 })
  const rows: [what: string, arrival: Parameters<typeof arrive>[1][number]][] = [
    ['none', { source: ipv4, nameLength: 0 }],
    ['AF_UNIX', { name: Buffer.from([1, 0, 0x2f, 0x74, 0x6d, 0x70, 0, 0]) }],
    ['cut short', { source: ipv6, nameLength: 20 }],
    ['longer than the name buffer', { name: Buffer.alloc(28, 0xff), nameLength: 110 }],
  ]
  for (const [what, arrival] of rows) {
    arrive(batch, [{ source: ipv4 }])
    t.ok(batch.source(0)?.equals(ipv4))
    arrive(batch, [arrival])
    t.equal(batch.source(0), undefined, what)
  }
})

t.test('values of an earlier receive are not kept', async (t) => {
  const batch = new RecvBatch({ capacity: 3 })
  const flags = MSG_TRUNC | MSG_CTRUNC
  const old = { payload: 'old', source: ipv6, flags }
  arrive(batch, [old, old, old])
  arrive(batch, [{ payload: 'new' }])
  t.equal(batch.length, 1)
  t.equal(batch.bytes(0).toString(), 'new')
  t.equal(batch.source(0), undefined)
  t.notOk(batch.truncated(0))
  t.notOk(batch.controlTruncated(0))
  t.throws(() => batch.bytes(1), { code: 'ERR_OUT_OF_RANGE' })
  batch.slots.prepare()
  t.equal(batch.length, 0, 'empty while the next receive is in progress')
  t.same([...batch], [])
})

t.test('an index is valid only for a received datagram', async (t) => {
  const batch = new RecvBatch({ capacity: 4 })
  arrive(batch, [{ payload: 'a' }, { payload: 'b' }])
  const readers = {
    bytes: (index: number) => batch.bytes(index),
    size: (index: number) => batch.size(index),
    source: (index: number) => batch.source(index),
    truncated: (index: number) => batch.truncated(index),
    controlTruncated: (index: number) => batch.controlTruncated(index),
    segmentBytes: (index: number) => batch.segmentBytes(index),
    tos: (index: number) => batch.tos(index),
    ecn: (index: number) => batch.ecn(index),
    ttl: (index: number) => batch.ttl(index),
    destination: (index: number) => batch.destination(index),
    interfaceIndex: (index: number) => batch.interfaceIndex(index),
    timestampNs: (index: number) => batch.timestampNs(index),
  }
  const table = Object.entries(readers).flatMap(([name, read]) =>
    [-1, 2, 4, 0.5, Number.NaN, '0', undefined].map(
      (index): Misuse => ({
        what: `${name}(${index})`,
        act: () => read(index as number),
        type: RangeError,
        code: 'ERR_OUT_OF_RANGE',
        message: `index must be from 0 to 1; received ${index}`,
      }),
    ),
  )
  rejects(t, table)
})

t.test('capacity and slotBytes are checked', async (t) => {
  const make = (options: unknown) => () => new RecvBatch(options as RecvBatchOptions)
  const outOfRange = { type: RangeError, code: 'ERR_OUT_OF_RANGE' } as const
  const wrongType = { type: TypeError, code: 'ERR_INVALID_ARG_TYPE' } as const
  const capacity = 'capacity must be an integer from 1 to 1024; received'
  const slotBytes = 'slotBytes must be an integer from 1 to 65536; received'
  rejects(t, [
    { what: 'no room', act: make({ capacity: 0 }), ...outOfRange, message: `${capacity} 0` },
    { what: 'more than a call takes', act: make({ capacity: 1025 }), ...outOfRange, message: `${capacity} 1025` },
    { what: 'no bytes', act: make({ slotBytes: 0 }), ...outOfRange, message: `${slotBytes} 0` },
    { what: 'large slots', act: make({ slotBytes: 65537 }), ...outOfRange, message: `${slotBytes} 65537` },
    { what: 'half', act: make({ slotBytes: 0.5 }), ...outOfRange, message: `${slotBytes} 0.5` },
    { what: 'text', act: make({ slotBytes: '9' }), ...wrongType, message: /^slotBytes must be a number/ },
    { what: 'a number', act: make(64), ...wrongType, message: /^RecvBatch options must be a plain object/ },
    {
      what: 'misspelled',
      act: make({ slotbytes: 9 }),
      type: TypeError,
      code: 'ERR_UNKNOWN_OPTION',
      message: /^RecvBatch: unknown option 'slotbytes'/,
    },
    {
      what: 'slots that truncate GRO buffers',
      act: make({ gro: true, slotBytes: 65535 }),
      type: RangeError,
      code: 'ERR_SLOT_TOO_SMALL',
      message: 'with gro each slot must fit a whole GRO buffer: slotBytes must be 65536; received 65535',
    },
  ])
  t.equal(new RecvBatch({ capacity: 1024, slotBytes: 1 }).capacity, 1024)
  t.equal(new RecvBatch({ gro: true }).slotBytes, 65536)
})
