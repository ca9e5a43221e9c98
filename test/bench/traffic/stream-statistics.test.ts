import fc from 'fast-check'
import t from 'tap'
import { SequenceWindow, StreamStatistics, Streams, UNNUMBERED } from '../../../bench/traffic/streams.js'

t.test('the window distinguishes new, duplicate and late numbers', async (t) => {
  const window = new SequenceWindow(32)
  t.equal(window.highest, -1)
  t.strictSame(
    [0, 1, 5, 3, 3, 5, 4, 40, 9, 8, 5, 40, 39].map((sequence) => window.note(sequence)),
    [
      ...['next', 'next', 'next', 'reordered', 'duplicate', 'duplicate', 'reordered', 'next'],
      ...['reordered', 'outdated', 'outdated', 'duplicate', 'reordered'],
    ],
  )
  t.equal(window.highest, 40)
})

t.test('bits of numbers a window ago are forgotten, far ahead as well', async (t) => {
  const window = new SequenceWindow(32)
  for (let sequence = 0; sequence < 32; sequence += 1) window.note(sequence)
  t.equal(window.note(64), 'next', 'a jump over the whole window')
  t.equal(window.note(40), 'reordered', 'whose bit was set by number 8')
  t.equal(window.note(2 ** 32 + 5), 'next')
  t.equal(window.note(2 ** 32 + 5), 'duplicate', 'sequence numbers do not end at 2^32')
  t.equal(window.note(2 ** 32 + 4), 'reordered')
})

t.test('the window agrees with a set, whatever the order', async () => {
  const size = 64
  fc.assert(
    fc.property(fc.array(fc.nat(300), { maxLength: 200 }), (sequences) => {
      const window = new SequenceWindow(size)
      const seen = new Set<number>()
      let highest = -1
      return sequences.every((sequence) => {
        const expected =
          sequence > highest
            ? 'next'
            : sequence <= highest - size
              ? 'outdated'
              : seen.has(sequence)
                ? 'duplicate'
                : 'reordered'
        if (expected !== 'outdated') seen.add(sequence)
        highest = Math.max(highest, sequence)
        return window.note(sequence) === expected
      })
    }),
  )
})

t.test('every arrival is accounted for once', async (t) => {
  const statistics = new StreamStatistics(7)
  for (const sequence of [0, 2, 1, 1, 5, 2]) statistics.record(sequence, 0, 0, 100)
  t.match(statistics, { delivered: 4, bytes: 400, reordered: 1, duplicated: 2, outdated: 0, arrived: 6, highest: 5 })
  t.equal(statistics.lost(8), 4, 'of eight that were sent')
  t.equal(statistics.lost(), 2, 'of six, as far as can be seen')
  t.equal(statistics.lost(3), 0, 'a sender who counts too few loses none')
  const late = new StreamStatistics(8)
  for (const sequence of [2 ** 30, 2 ** 30 + 2]) late.record(sequence, 0, 0, 100)
  t.equal(late.lost(), 1, 'a stream that was running before counts from its first number')
})

t.test('jitter is a sixteenth of each change in transit time, over the wrap of the clock', async (t) => {
  const statistics = new StreamStatistics(7)
  const near = 2 ** 32 - 50
  statistics.record(0, near, 1000, 1)
  t.equal(statistics.jitterMicroseconds, 0, 'none after the first')
  statistics.record(1, (near + 100) >>> 0, 1100, 1)
  t.equal(statistics.jitterMicroseconds, 0, 'the same transit, though the sender wrapped')
  statistics.record(2, 150, 1360, 1)
  t.equal(statistics.jitterMicroseconds, 160 / 16)
  statistics.record(2, 0, 99_999, 1)
  t.equal(statistics.jitterMicroseconds, 10, 'a duplicate says nothing about transit')
  statistics.record(3, 250, 1460, 1)
  t.equal(statistics.jitterMicroseconds, 10 - 10 / 16)
})

t.test('calls and times of arrival', async (t) => {
  const statistics = new StreamStatistics(7)
  for (const nowMs of [10, 10, 12.5]) statistics.noteCall(nowMs)
  t.match(statistics, { calls: 2, firstArrivalMs: 10, lastArrivalMs: 12.5 })
})

t.test('streams: announced, found, closed, and too many', async (t) => {
  const found: number[] = []
  const streams = new Streams(({ stream }) => found.push(stream))
  const announced = streams.open(5)
  t.equal(streams.of(5), announced)
  const other = streams.of(6)
  t.equal(streams.of(6), other)
  t.equal(streams.of(5), announced, 'back and forth')
  t.strictSame(found, [6], 'only what was not announced')
  streams.close(announced)
  t.equal(streams.of(5), undefined, 'stragglers are ignored')
  t.equal(streams.of(0), undefined, 'the number of no stream')
  t.not(streams.open(5), announced, 'unless it is opened again')
  for (let stream = 100; stream < 300; stream += 1) streams.of(stream)
  t.equal(streams.of(300), undefined)
  t.ok(found.length < 70, `${found.length} streams were found`)
})

t.test('streams: datagrams without a number', async (t) => {
  let found = 0
  const streams = new Streams(() => {
    found += 1
  })
  const announced = streams.open(UNNUMBERED)
  t.equal(streams.of(UNNUMBERED), announced)
  t.equal(found, 0)
  streams.close(announced)
  t.not(streams.of(UNNUMBERED), announced)
  t.equal(found, 1)
})
