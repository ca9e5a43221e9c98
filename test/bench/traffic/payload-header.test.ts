import t from 'tap'
import { seededRandom, shuffled } from '../../../bench/stats/random.js'
import {
  HeaderReader,
  HeaderStamper,
  monotonicMicroseconds,
  sequenceOf,
} from '../../../bench/traffic/payload-header.js'

const views = (count: number, sizeBytes: number) => {
  const memory = new ArrayBuffer(count * 64 + 64)
  return Array.from({ length: count }, (_, index) => Buffer.from(memory, 64 + index * 64, sizeBytes).fill(0xee))
}

t.test('four little-endian numbers, and nothing else touched', async (t) => {
  const payloads = views(3, 20)
  new HeaderStamper(payloads).stamp(2, 0xa1b2c3d4, 5, 0x01020304)
  t.equal(payloads[0].toString('hex'), 'd4c3b2a1050000000000000004030201eeeeeeee')
  t.equal(payloads[1].toString('hex'), 'd4c3b2a1060000000000000004030201eeeeeeee')
  t.equal(payloads[2].toString('hex'), 'ee'.repeat(20), 'the third was not asked for')
})

t.test('sequence numbers go on over 2^32', async (t) => {
  const payloads = views(3, 16)
  new HeaderStamper(payloads).stamp(3, 1, 2 ** 33 - 2, 0)
  const sequences = payloads.map((payload) => payload.readBigUInt64LE(4))
  t.strictSame(sequences, [2n ** 33n - 2n, 2n ** 33n - 1n, 2n ** 33n])
})

t.test('what is written again: only what changes, and all that does', async (t) => {
  for (const [gap, kind] of [
    [64, 'aligned'],
    [17, 'anywhere'],
  ] as const) {
    const memory = new ArrayBuffer(4096)
    const payloads = Array.from({ length: 3 }, (_, index) => Buffer.from(memory, 64 + index * gap, 17))
    const stamper = new HeaderStamper(payloads)
    const reader = new HeaderReader(memory)
    const rounds: [count: number, stream: number, sequence: number, microseconds: number][] = [
      [1, 7, 0, 1],
      [3, 7, 1, 2],
      [3, 9, 0, 2 ** 32 - 1],
      [3, 9, 2 ** 31 - 1, 0],
      [3, 2 ** 32 - 1, 2 ** 32 - 2, 5],
      [3, 2 ** 32 - 1, 2 ** 32 + 1, 6],
      [2, 2 ** 32 - 1, 2 ** 40 - 2, 6],
      [3, 2 ** 32 - 1, 3, 6],
    ]
    for (const [count, stream, sequence, microseconds] of rounds) {
      stamper.stamp(count, stream, sequence, microseconds)
      const read = payloads.slice(0, count).map(({ byteOffset }) => ({
        stream: reader.stream(byteOffset),
        sequence: reader.sequence(byteOffset),
        microseconds: reader.microseconds(byteOffset),
      }))
      const expected = read.map((_, index) => ({ stream, sequence: sequence + index, microseconds }))
      t.strictSame(read, expected, `${kind}, from ${sequence}`)
    }
  }
})

t.test('messages of several segments: aligned or not, at equal distances or not', async (t) => {
  for (const sizeBytes of [20, 21]) {
    for (const starts of [[0], [64, 256], [0, 128, 256], [512, 0, 192, 640]]) {
      const memory = Buffer.alloc(1024, 0xee)
      const payloads = starts.flatMap((start) =>
        [0, 1, 2].map((index) => memory.subarray(start + index * sizeBytes, start + (index + 1) * sizeBytes)),
      )
      const stamper = new HeaderStamper(payloads)
      const stamped = payloads.length - 1
      for (const sequence of [100, 200]) stamper.stamp(stamped, 7, sequence, sequence)
      const headers = payloads.map((payload) => [
        payload.readUInt32LE(0),
        sequenceOf(payload),
        payload.readUInt32LE(12),
      ])
      const expected = payloads.map((_, index) => [7, 200 + index, 200])
      t.strictSame(headers.slice(0, stamped), expected.slice(0, stamped), `${sizeBytes} bytes at ${starts}`)
      const stampedBytes = new Set(
        payloads.slice(0, stamped).flatMap(({ byteOffset }) => Array.from({ length: 16 }, (_, at) => byteOffset + at)),
      )
      const touched = [...memory.keys()].filter(
        (at) => memory[at] !== 0xee && !stampedBytes.has(memory.byteOffset + at),
      )
      t.strictSame(touched, [], 'and nothing else')
    }
  }
})

t.test('no room, no header', async (t) => {
  const payloads = views(2, 15)
  new HeaderStamper(payloads).stamp(2, 1, 1, 1)
  t.ok(payloads.every((payload) => payload.every((byte) => byte === 0xee)))
})

t.test('the clock is CLOCK_MONOTONIC, as other programs stamp it', async (t) => {
  const before = Number((process.hrtime.bigint() / 1000n) & 0xffffffffn)
  const passed = (monotonicMicroseconds() - before) >>> 0
  t.ok(passed < 1e6, `${passed} us later`)
})

t.test('random order: the same seed, the same order; every item once', async (t) => {
  const items = [1, 2, 3, 4, 5, 6, 7, 8]
  const order = (seed: number) => shuffled(items, seededRandom(seed))
  t.strictSame(order(1), order(1))
  t.notSame(order(1), order(2))
  t.strictSame([...order(3)].sort(), items)
  t.strictSame(items, [1, 2, 3, 4, 5, 6, 7, 8], 'the given list stays')
  const random = seededRandom(9)
  const first = Array.from({ length: 3000 }, () => shuffled(['a', 'b', 'c'], random)[0])
  for (const item of ['a', 'b', 'c']) {
    const share = first.filter((one) => one === item).length / first.length
    t.ok(share > 0.28 && share < 0.39, `${item} comes first in ${share}`)
  }
})
