import t from 'tap'
import { type Datagram, endpoint, RecvBatch } from '../../src/index.js'
import { IPPROTO_UDP, MSG_CTRUNC, MSG_TRUNC, UDP_GRO } from '../../src/libc/constants.js'
import { type Arrival, arrive } from '../support/fake-kernel.js'

const peer = endpoint({ address: '192.0.2.7', port: 9000 })

function received(...arrivals: Arrival[]): RecvBatch {
  const batch = new RecvBatch({ capacity: 8 })
  arrive(batch, arrivals)
  return batch
}

/** A GRO buffer: one payload, and a UDP_GRO control message with the segment size. */
function groBuffer(payload: string, segmentBytes: number): Arrival {
  return { payload, control: [[IPPROTO_UDP, UDP_GRO, new Uint8Array(Uint32Array.of(segmentBytes).buffer)]] }
}

function texts(datagrams: Iterable<Datagram>): string[] {
  return Array.from(datagrams, ({ bytes }) => bytes.toString())
}

t.test('iterating yields every datagram in order', async (t) => {
  const batch = received(
    { payload: 'one', source: peer },
    { payload: '' },
    { payload: 'three', flags: MSG_TRUNC },
    { payload: 'four', flags: MSG_CTRUNC },
  )
  t.same(texts(batch), ['one', '', 'three', 'four'])
  t.same(
    Array.from(batch, ({ truncated }) => truncated),
    [false, false, true, false],
  )
  t.same(
    Array.from(batch, ({ controlTruncated }) => controlTruncated),
    [false, false, false, true],
  )
  const [first, second] = batch
  t.equal(first.source, batch.source(0))
  t.equal(second.source, undefined)
  t.equal(first.bytes, batch.bytes(0), 'the same view as by index')
})

t.test('the Datagram objects are reused, one per slot', async (t) => {
  const batch = received({ payload: 'a' }, { payload: 'b' }, { payload: 'c' })
  const before = [...batch]
  t.equal(new Set(before).size, 3, 'all of them are valid until the next receive')
  arrive(batch, [{ payload: 'd' }, { payload: 'e' }])
  const after = [...batch]
  t.equal(after[0], before[0])
  t.equal(after[1], before[1])
  t.same(texts(after), ['d', 'e'])
})

t.test('nested loops are independent', async (t) => {
  const batch = received({ payload: 'a' }, { payload: 'b' }, { payload: 'c' })
  const pairs: string[] = []
  for (const outer of batch) for (const inner of batch) pairs.push(`${outer.bytes}${inner.bytes}`)
  t.same(pairs, ['aa', 'ab', 'ac', 'ba', 'bb', 'bc', 'ca', 'cb', 'cc'])
})

t.test('leaving a loop early does not affect the next loop', async (t) => {
  const batch = received({ payload: 'a' }, { payload: 'b' })
  for (const { bytes } of batch) {
    t.equal(bytes.toString(), 'a')
    break
  }
  t.same(texts(batch), ['a', 'b'])
})

t.test('a finished iterator stays finished', async (t) => {
  const batch = received({ payload: 'a' })
  const iterator = batch[Symbol.iterator]()
  t.equal(iterator.next().done, false)
  for (let round = 0; round < 2; round += 1) t.same(iterator.next(), { done: true, value: undefined })
})

t.test('a receive inside a loop ends the loop at the new number of datagrams', async (t) => {
  const batch = received({ payload: 'a' }, { payload: 'b' }, { payload: 'c' })
  const seen: string[] = []
  for (const { bytes } of batch) {
    seen.push(bytes.toString())
    arrive(batch, [{ payload: 'x' }, { payload: 'y' }])
  }
  t.same(seen, ['a', 'y'])
})

t.test('a copy stays valid after the next receive', async (t) => {
  const batch = received({ payload: 'keep', source: peer, flags: MSG_TRUNC | MSG_CTRUNC })
  const [datagram] = batch
  const copy = datagram.copy()
  arrive(batch, [{ payload: 'gone' }])
  t.equal(datagram.bytes.toString(), 'gone', 'the original shows the new datagram')
  t.equal(copy.bytes.toString(), 'keep')
  t.ok(copy.source?.equals(peer))
  t.equal(copy.truncated, true)
  t.equal(copy.controlTruncated, true)
  t.equal(copy.tos, undefined)
  t.equal(copy.timestampNs, undefined)
})

t.test('iterating splits a GRO buffer, whose last segment may be shorter', async (t) => {
  const batch = received({ payload: 'before' }, groBuffer('aaabbbcc', 3), groBuffer('dddeee', 3), { payload: 'after' })
  t.same(texts(batch), ['before', 'aaa', 'bbb', 'cc', 'ddd', 'eee', 'after'])
  t.equal(batch.length, 4, 'one slot by index')
  t.equal(batch.bytes(1).toString(), 'aaabbbcc')
  t.same(
    [0, 1, 2, 3].map((index) => batch.segmentBytes(index)),
    [6, 3, 3, 5],
  )
})

t.test('every datagram of a GRO buffer has the source; only the last can be truncated', async (t) => {
  const batch = received({ ...groBuffer('aabbc', 2), source: peer, flags: MSG_TRUNC })
  t.same(
    Array.from(batch, ({ source, truncated }) => [`${source}`, truncated]),
    [
      ['192.0.2.7:9000', false],
      ['192.0.2.7:9000', false],
      ['192.0.2.7:9000', true],
    ],
  )
})

t.test('an invalid segment size leaves the payload whole', async (t) => {
  for (const segmentBytes of [0, -1, 5, 6, 2 ** 31 - 1]) {
    t.same(texts(received(groBuffer('aaabb', segmentBytes))), ['aaabb'], `${segmentBytes}`)
  }
  t.same(texts(received(groBuffer('', 1))), [''])
})
