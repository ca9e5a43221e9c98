import t from 'tap'
import { SendSlots } from '../../src/batch/send-slots.js'
import { endpoint, sockaddrWords } from '../../src/endpoint/endpoint.js'
import { addressOf } from '../../src/libc/libc.js'
import { nativeMessage } from '../support/native-memory.js'

const CAPACITY = 5
const SLOT_BYTES = 100

t.test('every header points at its own payload, as the kernel reads it', async (t) => {
  const slots = new SendSlots(CAPACITY, SLOT_BYTES)
  const base = addressOf(slots.bytes)
  const names = new Set<number>()
  for (let slot = 0; slot < CAPACITY; slot += 1) {
    const message = nativeMessage(slots.headerAddress(slot))
    t.equal(message.iovLength, 1)
    t.equal(message.base, base + slots.payloadOffset(slot), 'the iovec points at the payload')
    t.equal(message.base % 64, 0, 'aligned to a cache line')
    t.equal(message.name, undefined, 'no destination yet')
    t.equal(message.controlLength, 0)
    t.equal(message.flags, 0)
    t.equal(message.payload.byteLength, 0)
    names.add(message.nameAddress)
  }
  t.equal(names.size, CAPACITY, 'each has its own space for a destination')
  t.equal(slots.payloadOffset(1) - slots.payloadOffset(0), 128, 'a slot is a whole number of cache lines')
})

t.test('headers are contiguous, as sendmmsg requires', async (t) => {
  const slots = new SendSlots(CAPACITY, SLOT_BYTES)
  for (let slot = 1; slot < CAPACITY; slot += 1) {
    t.equal(slots.headerAddress(slot), slots.headerAddress(0) + slot * 64)
  }
})

t.test('a size and a destination change their own message only', async (t) => {
  const slots = new SendSlots(3, SLOT_BYTES)
  const peer = endpoint({ address: '2001:db8::7', port: 9000 })
  slots.bytes.write('abcdef', slots.payloadOffset(1))
  slots.writeSize(1, 6)
  slots.writeDestination(1, peer)
  t.equal(slots.size(1), 6)
  const [before, message, after] = [0, 1, 2].map((slot) => nativeMessage(slots.headerAddress(slot)))
  t.equal(message.payload.toString(), 'abcdef')
  t.same(message.name, Buffer.from(sockaddrWords(peer).buffer))
  for (const other of [before, after]) {
    t.equal(other.payload.byteLength, 0)
    t.equal(other.name, undefined)
  }
  slots.writeDestination(1, undefined)
  t.equal(nativeMessage(slots.headerAddress(1)).name, undefined)
})

t.test('a message can point at external memory and back at its slot', async (t) => {
  const slots = new SendSlots(2, SLOT_BYTES)
  const payload = Buffer.from('not in the arena')
  const own = nativeMessage(slots.headerAddress(1)).base
  slots.writeSize(1, payload.byteLength)
  slots.pointAt(1, slots.referenceAddress(1, payload, payload.byteLength))
  const message = nativeMessage(slots.headerAddress(1))
  t.equal(message.base, addressOf(payload))
  t.same(message.payload, payload)
  slots.pointAtSlot(1)
  t.equal(nativeMessage(slots.headerAddress(1)).base, own)
})

t.test('an empty view has no address to point at', async (t) => {
  const slots = new SendSlots(2, SLOT_BYTES)
  const own = nativeMessage(slots.headerAddress(1)).base
  t.equal(slots.referenceAddress(1, new Uint8Array(0), 0), own)
})
