import t from 'tap'
import { RecvSlots } from '../../src/batch/recv-slots.js'
import { messageWords } from '../../src/layout/message.js'
import { addressOf } from '../../src/libc/libc.js'
import { nativeMessage, nativeView } from '../support/native-memory.js'

const CAPACITY = 5
const SLOT_BYTES = 100
const CONTROL_BYTES = 64
const HEADER_BYTES = 64

function made(): RecvSlots {
  return new RecvSlots(CAPACITY, SLOT_BYTES, CONTROL_BYTES)
}

/** Word `name` of a slot's mmsghdr, read from native memory. */
function word(slots: RecvSlots, slot: number, name: keyof ReturnType<typeof messageWords>): number {
  return nativeView(slots.headersAddress + slot * HEADER_BYTES + messageWords()[name] * 4, 4).getUint32(0, true)
}

function write(slots: RecvSlots, slot: number, name: keyof ReturnType<typeof messageWords>, value: number): void {
  nativeView(slots.headersAddress + slot * HEADER_BYTES + messageWords()[name] * 4, 4).setUint32(0, value, true)
}

t.test('prepare sets every header as recvmmsg(2) requires', async (t) => {
  const slots = made()
  slots.prepare()
  const base = addressOf(slots.bytes)
  const headers = addressOf(slots.words)
  for (let slot = 0; slot < CAPACITY; slot += 1) {
    const message = nativeMessage(slots.headersAddress + slot * HEADER_BYTES)
    t.equal(message.base, base + slots.payloadOffset(slot))
    t.equal(message.base % 64, 0)
    t.equal(message.payload.byteLength, SLOT_BYTES)
    t.equal(message.iovLength, 1)
    t.equal(message.nameAddress, headers + slots.nameAt(slot) * 4)
    t.equal(message.name?.byteLength, 28, 'space for IPv4 and IPv6')
    t.equal(message.control, headers + slots.controlOffset(slot))
    t.equal(message.control % 8, 0)
    t.equal(message.controlLength, CONTROL_BYTES)
    t.equal(message.flags, 0)
  }
})

t.test('prepare restores the fields that the kernel wrote, and only in slots that were filled', async (t) => {
  const fields = ['nameLength', 'controlLength', 'flags'] as const
  const slots = made()
  slots.prepare()
  for (let slot = 0; slot < CAPACITY; slot += 1) for (const field of fields) write(slots, slot, field, 7)
  slots.fill(2)
  slots.done()
  slots.prepare()
  const armed = [28, CONTROL_BYTES, 0]
  const found = Array.from({ length: CAPACITY }, (_, slot) => fields.map((field) => word(slots, slot, field)))
  t.strictSame(found, [armed, armed, [7, 7, 7], [7, 7, 7], [7, 7, 7]])

  const first = () => fields.map((field) => word(slots, 0, field))
  for (const field of fields) write(slots, 0, field, 9)
  slots.done()
  slots.prepare()
  t.strictSame(first(), [9, 9, 9], 'not written again after a call that failed')
  slots.prepare()
  t.strictSame(first(), armed, 'all are, if the result of the call is not known')
})

t.test('the iovec length is not restored: the kernel does not change it', async (t) => {
  const slots = made()
  slots.prepare()
  write(slots, 0, 'length', 3)
  slots.fill(1)
  slots.prepare()
  t.equal(nativeMessage(slots.headersAddress).payload.byteLength, SLOT_BYTES)
})

t.test('a length from the kernel is limited to the size of its buffer', async (t) => {
  const slots = made()
  const table: [field: 'length' | 'nameLength' | 'controlLength', read: (slot: number) => number, room: number][] = [
    ['length', (slot) => slots.size(slot), SLOT_BYTES],
    ['nameLength', (slot) => slots.nameLength(slot), 28],
    ['controlLength', (slot) => slots.controlLength(slot), CONTROL_BYTES],
  ]
  for (const [field, read, room] of table) {
    for (const value of [0, 1, room - 1, room]) {
      write(slots, 2, field, value)
      t.equal(read(2), value, `${field} ${value}`)
    }
    for (const value of [room + 1, 65_536, 0x7fff_ffff, 0xffff_ffff]) {
      write(slots, 2, field, value)
      t.equal(read(2), room, `${field} ${value}`)
    }
  }
})

t.test('the result of recvmsg is stored where recvmmsg stores msg_len', async (t) => {
  const slots = made()
  slots.writeLength(3, 42)
  t.equal(slots.size(3), 42)
  t.equal(word(slots, 3, 'length'), 42)
})
