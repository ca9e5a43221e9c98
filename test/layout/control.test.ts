import fc from 'fast-check'
import t from 'tap'
import { ControlCursor, ControlWriter, controlHeaderBytes, controlSpace } from '../../src/layout/control.js'
import { structs } from '../../src/libc/structs.js'
import { GuardedView } from '../support/guarded-view.js'
import { holds } from '../support/property.js'

const { pointerBytes, cmsghdr } = structs()
const HEADER_BYTES = cmsghdr.bytes
const skip = pointerBytes === 8 ? false : 'the expected bytes are for 64-bit machines'

interface Message {
  readonly level: number
  readonly type: number
  readonly data: Uint8Array
}

/** Control messages that a cursor finds in `byteLength` bytes at `offset`. */
function walk(view: DataView, offset: number, byteLength: number): Message[] {
  const cursor = new ControlCursor(view)
  cursor.reset(offset, byteLength)
  const found: Message[] = []
  while (cursor.next()) {
    const { level, type, dataOffset, dataBytes } = cursor
    const data = new Uint8Array(view.buffer, view.byteOffset + dataOffset, dataBytes).slice()
    found.push({ level, type, data })
    // A message takes at least 16 bytes: more messages than that mean an endless iteration.
    if (found.length > byteLength / HEADER_BYTES) throw new Error('the iteration does not end')
  }
  return found
}

function written(view: DataView, offset: number, messages: readonly Message[]): number {
  const writer = new ControlWriter(view)
  writer.reset(offset, view.byteLength - offset)
  for (const { level, type, data } of messages) {
    const at = writer.append(level, type, data.byteLength)
    new Uint8Array(view.buffer, view.byteOffset + at).set(data)
  }
  return writer.byteLength
}

const anyInt = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })
const anyMessage = fc.record({ level: anyInt, type: anyInt, data: fc.uint8Array({ maxLength: 40 }) })
const anyMessages = fc.array(anyMessage, { maxLength: 8 })
// Multiples of eight, as the kernel aligns its buffers.
const anyOffset = fc.nat(8).map((n) => n * 8)

t.test('space is CMSG_SPACE: header and data, each padded', { skip }, async (t) => {
  const table: [dataBytes: number, space: number][] = [
    [0, 16],
    [1, 24],
    [4, 24],
    [8, 24],
    [9, 32],
    [20, 40],
  ]
  for (const [dataBytes, space] of table) t.equal(controlSpace(dataBytes), space, `${dataBytes} bytes`)
  t.equal(controlHeaderBytes(), 16)
})

t.test('a message is laid out as cmsg(3) says', { skip }, async (t) => {
  const bytes = Buffer.alloc(32, 0xff)
  const writer = new ControlWriter(new DataView(bytes.buffer, bytes.byteOffset, 32))
  writer.reset(0, 32)
  const at = writer.append(17, 103, 2)
  bytes.writeUInt16LE(1400, at)
  t.equal(writer.byteLength, 24)
  t.equal(bytes.toString('hex'), '1200000000000000110000006700000078050000000000 00ffffffffffffffff'.replace(' ', ''))
})

t.test('messages that were written are read again, in their order, at any offset', async (t) => {
  holds(
    t,
    fc.property(anyMessages, anyOffset, (messages, offset) => {
      const view = new DataView(new ArrayBuffer(1024), 8)
      const byteLength = written(view, offset, messages)
      const expected = messages.map(({ level, type, data }) => ({ level, type, data: Buffer.from(data) }))
      const found = walk(view, offset, byteLength).map((each) => ({ ...each, data: Buffer.from(each.data) }))
      return JSON.stringify(found) === JSON.stringify(expected)
    }),
  )
})

t.test('neither writer nor cursor accesses memory outside its space', async (t) => {
  holds(
    t,
    fc.property(anyMessages, anyOffset, (messages, offset) => {
      const view = new GuardedView(new ArrayBuffer(1024))
      const byteLength = written(view, offset, messages)
      walk(view, offset, byteLength)
      return view.stayedWithin(offset, offset + byteLength)
    }),
  )
})

t.test('the last message needs no padding after it', async (t) => {
  holds(
    t,
    fc.property(fc.array(anyMessage, { minLength: 1, maxLength: 4 }), (messages) => {
      const view = new GuardedView(new ArrayBuffer(1024))
      const last = messages[messages.length - 1]
      const unpadded = written(view, 0, messages) - controlSpace(last.data.length) + HEADER_BYTES + last.data.length
      const found = walk(view, 0, unpadded)
      return found.length === messages.length && Buffer.compare(found[found.length - 1].data, last.data) === 0
    }),
  )
})

t.test('a buffer cut off anywhere gives the complete messages, and no byte beyond is read', async (t) => {
  holds(
    t,
    fc.property(anyMessages, fc.nat(400), (messages, cut) => {
      const view = new GuardedView(new ArrayBuffer(1024))
      const byteLength = Math.min(cut, written(view, 0, messages))
      const guarded = new GuardedView(view.buffer)
      const found = walk(guarded, 0, byteLength)
      const ends = messages.map((_, index) => {
        const before = messages.slice(0, index).reduce((sum, each) => sum + controlSpace(each.data.length), 0)
        return before + HEADER_BYTES + messages[index].data.length
      })
      return guarded.stayedWithin(0, byteLength) && found.length === ends.filter((end) => end <= byteLength).length
    }),
  )
})

t.test('for arbitrary bytes the iteration ends and stays within its range', async (t) => {
  // Lengths that are nearly right get further than random ones.
  const anyLength = fc.oneof(fc.nat(64), fc.nat(2 ** 32 - 1), fc.constantFrom(0, 15, 16, 17, 0x7fff_ffff, 0xffff_ffff))
  const anyHeader = fc.tuple(anyLength, fc.constantFrom(0, 0, 0, 1), fc.nat(30)).map(([low, high, more]) => {
    const bytes = Buffer.alloc(16 + more)
    bytes.writeUInt32LE(low, 0)
    bytes.writeUInt32LE(high, 4)
    return bytes
  })
  const anyBytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.array(anyHeader).map((all) => Buffer.concat(all)),
  )
  holds(
    t,
    fc.property(anyBytes, anyOffset, fc.nat(300), (bytes, offset, byteLength) => {
      const view = new GuardedView(new ArrayBuffer(512))
      new Uint8Array(view.buffer).set(bytes.subarray(0, 512 - offset), offset)
      const found = walk(view, offset, byteLength)
      const within = view.stayedWithin(offset, Math.min(offset + byteLength, 512))
      return within && found.every((each) => each.data.length <= byteLength - HEADER_BYTES)
    }),
    1000,
  )
})

t.test('an invalid length ends the iteration', { skip }, async (t) => {
  const table: [what: string, low: number, high: number][] = [
    ['0', 0, 0],
    ['one less than the header', 15, 0],
    ['one more than available', 57, 0],
    ['huge', 0xffff_ffff, 0],
    ['right in the low word, with the high word set', 20, 1],
    ['negative as a ssize_t', 0xffff_ffec, 0xffff_ffff],
  ]
  for (const [what, low, high] of table) {
    const view = new GuardedView(new ArrayBuffer(256))
    const good = { level: 1, type: 40, data: Uint8Array.of(1, 2, 3, 4) }
    const byteLength = written(view, 0, [good, good, good, good]) - 16
    new DataView(view.buffer).setUint32(24, low, true)
    new DataView(view.buffer).setUint32(28, high, true)
    const cursor = new ControlCursor(view)
    cursor.reset(0, byteLength)
    t.ok(cursor.next(), `${what}: the message before it`)
    t.notOk(cursor.next(), what)
    t.notOk(cursor.next(), `${what}: for good`)
  }
})

t.test('a message may end exactly at the end of the buffer', { skip }, async (t) => {
  const view = new GuardedView(new ArrayBuffer(64))
  view.setUint32(0, 64, true)
  t.equal(walk(view, 0, 64)[0].data.length, 48)
})

t.test('messages outside the view are ignored', async (t) => {
  const view = new GuardedView(new ArrayBuffer(64))
  const message = { level: 1, type: 2, data: new Uint8Array(4) }
  written(view, 0, [message, message])
  t.equal(walk(view, 0, 1_000_000).length, 2)
  t.equal(walk(view, 64, 100).length, 0)
  t.equal(walk(view, 1000, 100).length, 0)
  t.equal(walk(view, 0, 0).length, 0)
})

t.test('a cursor can be reused', async (t) => {
  const view = new DataView(new ArrayBuffer(64))
  const byteLength = written(view, 0, [{ level: 1, type: 2, data: new Uint8Array(4) }])
  const cursor = new ControlCursor(view)
  for (let round = 0; round < 3; round += 1) {
    cursor.reset(0, byteLength)
    t.ok(cursor.next())
    t.equal(cursor.type, 2)
    t.notOk(cursor.next())
  }
})

t.test('the writer zeroes stale bytes and starts again after reset', { skip }, async (t) => {
  const bytes = Buffer.alloc(64, 0xff)
  const writer = new ControlWriter(new DataView(bytes.buffer, bytes.byteOffset, 64))
  for (let round = 0; round < 2; round += 1) {
    writer.reset(8, 24)
    t.equal(writer.byteLength, 0)
    t.equal(writer.append(1, 2, 3), 24)
    t.equal(bytes.toString('hex', 24, 32), '0000000000000000', 'data and padding are zero')
    t.equal(bytes.toString('hex', 0, 8), 'ffffffffffffffff', 'the bytes before are unchanged')
    t.equal(bytes.toString('hex', 32, 40), 'ffffffffffffffff', 'the bytes after are unchanged')
  }
})

t.test('a message that does not fit is rejected, and the others are kept', { skip }, async (t) => {
  const bytes = Buffer.alloc(64, 0xff)
  const writer = new ControlWriter(new DataView(bytes.buffer, bytes.byteOffset, 64))
  writer.reset(0, 47)
  writer.append(1, 2, 4)
  const message = 'control messages require 48 bytes; the slot has 47'
  t.throws(() => writer.append(1, 2, 4), { name: 'RangeError', message })
  t.equal(writer.byteLength, 24)
  t.equal(bytes.toString('hex', 24), 'ff'.repeat(40), 'nothing was written')
  t.equal(writer.append(1, 3, 0), 40, 'a smaller one still fits')
})
