import t from 'tap'
import { messagesOf } from '../../src/batch/send-batch.js'
import { DestinationKind, type Endpoint, endpoint, sockaddrWords } from '../../src/endpoint/endpoint.js'
import { type Payload, SendBatch } from '../../src/index.js'
import { addressOf } from '../../src/libc/libc.js'
import { type NativeMessage, nativeMessage, nativeView } from '../support/native-memory.js'

const ipv4 = endpoint({ address: '192.0.2.7', port: 9000 })
const otherIpv4 = endpoint({ address: '192.0.2.8', port: 9001 })
const ipv6 = endpoint({ address: '2001:db8::7', port: 9000 })

/** Message `index` as the kernel reads it. */
function native(batch: SendBatch, index: number): NativeMessage {
  return nativeMessage(batch.slots.headerAddress(index))
}

function sockaddr(endpoint: Endpoint): Buffer {
  return Buffer.from(sockaddrWords(endpoint).buffer)
}

t.test('defaults are 64 messages of 1472 bytes, the payload of an IPv4 packet of 1500 bytes', async (t) => {
  const batch = new SendBatch()
  t.equal(batch.capacity, 64)
  t.equal(batch.slotBytes, 1472)
  t.equal(batch.length, 0)
  t.equal(batch.sent, 0)
  t.equal(batch.remaining, 0)
})

t.test('the smallest and the largest capacity and slot size are accepted', async (t) => {
  t.equal(new SendBatch({ capacity: 1, slotBytes: 1 }).append('x'), 0)
  t.equal(new SendBatch({ capacity: 65536, slotBytes: 1 }).capacity, 65536)
  const large = new SendBatch({ capacity: 1, slotBytes: 2 ** 20 })
  large.append(Buffer.alloc(2 ** 20, 7))
  t.equal(native(large, 0).payload.byteLength, 2 ** 20)
})

t.test('append writes payload, length and destination to the header', async (t) => {
  const batch = new SendBatch({ capacity: 4 })
  const rows: [payload: Payload | Payload[], destination: Endpoint | undefined, text: string][] = [
    ['one', ipv4, 'one'],
    [Buffer.from('two'), undefined, 'two'],
    [['th', Buffer.from('re'), '', 'e'], ipv6, 'three'],
    ['', otherIpv4, ''],
  ]
  for (const [index, [payload, destination]] of rows.entries()) {
    t.equal(batch.append(payload, destination), index)
    t.equal(batch.length, index + 1)
  }
  for (const [index, [, destination, text]] of rows.entries()) {
    const message = native(batch, index)
    t.equal(message.payload.toString(), text)
    t.same(message.name, destination && sockaddr(destination))
    t.equal(message.controlLength, 0)
    t.equal(batch.size(index), text.length)
    t.equal(batch.destination(index), destination)
  }
})

t.test('append copies: later changes of the original have no effect', async (t) => {
  const batch = new SendBatch()
  const payload = Buffer.from('before')
  batch.append(payload)
  payload.write('after!')
  t.equal(native(batch, 0).payload.toString(), 'before')
})

t.test('reserve returns the memory that is sent', async (t) => {
  const batch = new SendBatch({ capacity: 3 })
  const views = [5, 0, 1472].map((size) => batch.reserve(size, ipv4))
  t.same(
    views.map((view) => view.byteLength),
    [5, 0, 1472],
  )
  views[0].write('hello')
  views[2].fill('x')
  t.equal(native(batch, 0).payload.toString(), 'hello')
  t.equal(native(batch, 1).payload.byteLength, 0)
  t.equal(native(batch, 2).payload.toString(), 'x'.repeat(1472))
  t.same(native(batch, 1).name, sockaddr(ipv4))
})

t.test('reserve returns the same view as long as the size is the same', async (t) => {
  const batch = new SendBatch({ capacity: 2 })
  const first = batch.reserve(10)
  batch.clear()
  t.equal(batch.reserve(10), first)
  batch.clear()
  const longer = batch.reserve(11)
  t.equal(longer.byteLength, 11)
  t.equal(addressOf(longer), addressOf(first))
  batch.clear()
  t.equal(batch.reserve(10).byteLength, 10)
  t.not(addressOf(batch.reserve(10)), addressOf(first), 'another slot has another address')
})

t.test("appendReference points at the caller's memory until clear", async (t) => {
  const batch = new SendBatch({ capacity: 3 })
  const own = native(batch, 1).base
  const large = Buffer.alloc(100_000, 'L')
  batch.append('before')
  t.equal(batch.appendReference(large, ipv4), 1)
  t.equal(batch.appendReference(new Uint16Array(Uint8Array.of(1, 2, 3, 4, 5, 6).buffer, 2, 2), ipv6), 2)
  t.equal(native(batch, 1).base, addressOf(large))
  large[99_999] = 0x21
  t.equal(native(batch, 1).payload.toString(), `${'L'.repeat(99_999)}!`, 'changes before the send are sent')
  t.equal(native(batch, 2).payload.toString('hex'), '03040506')
  t.equal(batch.size(1), 100_000)
  t.equal(native(batch, 0).payload.toString(), 'before')

  batch.clear()
  t.equal(native(batch, 1).base, own)
  batch.append('a')
  batch.append('b')
  t.equal(native(batch, 1).payload.toString(), 'b')
  t.equal(large[0], 'L'.charCodeAt(0), 'the referenced memory was not written to')
})

t.test('every kind of memory can be referenced', async (t) => {
  const batch = new SendBatch({ capacity: 4 })
  const shared = new SharedArrayBuffer(4)
  new Uint8Array(shared).fill(0x61)
  batch.appendReference(new Uint8Array(4).fill(0x61).buffer)
  batch.appendReference(shared)
  batch.appendReference(new DataView(new Uint8Array(8).fill(0x61).buffer, 4))
  batch.appendReference(new Uint8Array(0))
  for (const index of [0, 1, 2]) t.equal(native(batch, index).payload.toString(), 'aaaa')
  t.equal(native(batch, 3).payload.byteLength, 0)
  t.equal(messagesOf(batch)?.firstDetached(), batch.length)
})

t.test('a destination is written only when it changes', async (t) => {
  const batch = new SendBatch({ capacity: 1 })
  const put = (destination?: Endpoint): NativeMessage => {
    batch.clear()
    batch.append('x', destination)
    return native(batch, 0)
  }
  t.same(put(ipv4).name, sockaddr(ipv4))
  const { nameAddress } = native(batch, 0)
  const scribble = Buffer.alloc(16, 0xab)
  for (const [offset, byte] of scribble.entries()) nativeView(nameAddress, 16).setUint8(offset, byte)
  t.same(put(ipv4).name, scribble, 'the same destination is not written again')
  t.same(put(otherIpv4).name, sockaddr(otherIpv4))
  t.same(put(ipv4).name, sockaddr(ipv4))
})

t.test('a slot can change from any kind of destination to any other', async (t) => {
  const kinds = [undefined, ipv4, ipv6]
  const batch = new SendBatch({ capacity: 1 })
  for (const from of kinds) {
    for (const to of kinds) {
      for (const destination of [from, to]) {
        batch.clear()
        batch.append('x', destination)
      }
      t.same(native(batch, 0).name, to && sockaddr(to), `${from} to ${to}`)
      t.equal(batch.destination(0), to)
    }
  }
})

t.test('the batch records which kinds of destination it contains', async (t) => {
  const batch = new SendBatch()
  t.equal(messagesOf(batch)?.destinationKinds, 0)
  batch.append('x', ipv4)
  t.equal(messagesOf(batch)?.destinationKinds, DestinationKind.ipv4)
  batch.append('x')
  t.equal(messagesOf(batch)?.destinationKinds, DestinationKind.ipv4 | DestinationKind.connected)
  batch.reserve(1, ipv6)
  t.equal(messagesOf(batch)?.destinationKinds, DestinationKind.ipv4 | DestinationKind.connected | DestinationKind.ipv6)
  batch.clear()
  t.equal(messagesOf(batch)?.destinationKinds, 0)
})

t.test('sent, skip, rewind and clear update the counts', async (t) => {
  const batch = new SendBatch()
  const counts = () => [batch.length, batch.sent, batch.remaining]
  for (const text of ['a', 'b', 'c']) batch.append(text, ipv4)
  t.same(counts(), [3, 0, 3])
  messagesOf(batch)?.advance(1)
  t.same(counts(), [3, 1, 2])
  batch.skip()
  t.same(counts(), [3, 2, 1])
  batch.append('d', ipv4)
  t.same(counts(), [4, 2, 2])
  batch.rewind()
  t.same(counts(), [4, 0, 4])
  t.same(
    [0, 1, 2, 3].map((index) => native(batch, index).payload.toString()),
    ['a', 'b', 'c', 'd'],
    'rewind changes no message',
  )
  batch.clear()
  t.same(counts(), [0, 0, 0])
})
