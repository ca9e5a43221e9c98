import { runInNewContext } from 'node:vm'
import t from 'tap'
import { bytesOf, copyPayload, type Payload, readPayload } from '../../src/batch/payload.js'
import { rejects } from '../support/misuse.js'

const TEXT = 'grüße, 数据报 🚀'
const HEX = Buffer.from(TEXT).toString('hex')

function shared(bytes: Uint8Array): SharedArrayBuffer {
  const buffer = new SharedArrayBuffer(bytes.byteLength)
  new Uint8Array(buffer).set(bytes)
  return buffer
}

/** The bytes of TEXT, at offset 2 of their own ArrayBuffer. */
function late(): Uint8Array {
  const bytes = Buffer.from(TEXT)
  const memory = new Uint8Array(bytes.byteLength + 4)
  memory.set(bytes, 2)
  return memory.subarray(2, 2 + bytes.byteLength)
}

const bytes = Buffer.from(TEXT)
const kinds: [what: string, payload: Payload, hex: string][] = [
  ['text, as UTF-8', TEXT, HEX],
  ['empty text', '', ''],
  ['half a surrogate pair, as the replacement character', '\ud83d', 'efbfbd'],
  ['Buffer', bytes, HEX],
  ['empty Buffer', Buffer.alloc(0), ''],
  ['Uint8Array with an offset', late(), HEX],
  ['DataView with an offset', new DataView(late().buffer, 2, bytes.byteLength), HEX],
  ['Uint16Array', Uint16Array.of(0x0201, 0x0403), '01020304'],
  ['Float64Array', Float64Array.of(1), '000000000000f03f'],
  ['BigInt64Array', BigInt64Array.of(-2n), 'feffffffffffffff'],
  ['ArrayBuffer', new Uint8Array(bytes).buffer, HEX],
  ['SharedArrayBuffer', shared(bytes), HEX],
  ['view of a SharedArrayBuffer', new Uint8Array(shared(bytes)), HEX],
]

t.test('every kind of payload is copied to its target, and no other byte is written', async (t) => {
  for (const [what, payload, hex] of kinds) {
    const target = Buffer.alloc(100, 0xee)
    t.equal(copyPayload(target, 7, 64, readPayload(payload)), hex.length / 2, what)
    t.equal(
      target.toString('hex'),
      Buffer.alloc(100, 0xee)
        .fill(hex, 7, 7 + hex.length / 2, 'hex')
        .toString('hex'),
      what,
    )
  }
})

t.test('pieces of any kind become one datagram', async (t) => {
  const target = Buffer.alloc(1000)
  const all = kinds.map(([, payload]) => payload)
  const hex = kinds.map(([, , each]) => each).join('')
  t.equal(copyPayload(target, 0, 1000, readPayload(all)), hex.length / 2)
  t.equal(target.toString('hex', 0, hex.length / 2), hex)
  t.equal(copyPayload(target, 0, 1000, []), 0, 'no pieces give 0 bytes')
  t.equal(copyPayload(target, 0, 0, ['', new Uint8Array(0)]), 0, 'empty pieces give 0 bytes')
})

t.test('a payload may fill the slot completely', async (t) => {
  const target = Buffer.alloc(64, 0xee)
  for (const payload of ['x'.repeat(64), Buffer.alloc(64, 'x'), ['x'.repeat(60), Buffer.alloc(4, 'x'), '']]) {
    t.equal(copyPayload(target.fill(0xee), 0, 64, readPayload(payload)), 64)
    t.equal(target.toString(), 'x'.repeat(64))
  }
})

t.test('a payload that does not fit is rejected, and nothing is written', async (t) => {
  const target = Buffer.alloc(100, 0xee)
  const act = (payload: Payload | Payload[]) => () => copyPayload(target, 0, 8, readPayload(payload))
  const wanted = {
    type: RangeError,
    code: 'ERR_PAYLOAD_TOO_LONG',
    message: /^payload of 9 bytes does not fit: at most 8/,
  } as const
  rejects(t, [
    { what: 'Buffer', act: act(Buffer.alloc(9)), ...wanted },
    { what: 'ASCII', act: act('123456789'), ...wanted },
    { what: 'text of eight characters and nine bytes', act: act('1234567ü'), ...wanted },
    { what: 'ArrayBuffer', act: act(new ArrayBuffer(9)), ...wanted },
    { what: 'pieces', act: act(['1234', Buffer.alloc(5)]), ...wanted },
  ])
  t.ok(target.every((byte) => byte === 0xee))
})

t.test('a value that is no payload is rejected, and nothing is written', async (t) => {
  const target = Buffer.alloc(100, 0xee)
  const act = (payload: unknown) => () => copyPayload(target, 0, 100, readPayload(payload as Payload))
  const must = 'payload must be a string, ArrayBuffer or view (Buffer, typed array, DataView); received'
  const wanted = { type: TypeError, code: 'ERR_INVALID_ARG_TYPE' } as const
  rejects(t, [
    { what: 'nothing', act: act(undefined), ...wanted, message: `${must} undefined` },
    { what: 'null', act: act(null), ...wanted, message: `${must} null` },
    { what: 'number', act: act(7), ...wanted, message: `${must} type number (7)` },
    { what: 'object', act: act({ length: 3 }), ...wanted, message: `${must} an instance of Object` },
    { what: 'a bad piece', act: act(['good', 7]), ...wanted, message: `${must} type number (7)` },
    { what: 'a list in a list', act: act(['good', ['bad']]), ...wanted, message: `${must} an instance of Array` },
  ])
  t.ok(target.every((byte) => byte === 0xee))
})

t.test('bytesOf returns a view of the same memory', async (t) => {
  for (const [what, payload, hex] of kinds) {
    if (typeof payload === 'string') continue
    const view = bytesOf(payload)
    t.equal(Buffer.from(view).toString('hex'), hex, what)
    t.equal(view.buffer, ArrayBuffer.isView(payload) ? payload.buffer : payload, `${what}: not a copy`)
  }
  t.equal(bytesOf(bytes), bytes, 'a Uint8Array is returned as it is')
})

t.test('text is rejected by bytesOf, and the message does not list strings as accepted', async (t) => {
  const act = () => bytesOf('text' as unknown as Uint8Array)
  t.throws(act, { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE', message: /received type string \('text'\)$/ })
  t.throws(act, { message: /^(?!.*must be a string)/ }, 'the message does not list strings')
})

t.test('memory of another realm is accepted: a vm context, or a test runner that uses one', async (t) => {
  const target = Buffer.alloc(16)
  for (const expression of [
    'Uint8Array.of(1, 2)',
    'Uint8Array.of(1, 2).buffer',
    'new Uint8Array([1, 2]).subarray(0)',
  ]) {
    const payload = runInNewContext(expression) as Uint8Array
    t.doesNotThrow(() => copyPayload(target.fill(0), 0, 16, readPayload(payload)), expression)
    t.equal(target.toString('hex', 0, 4), '01020000', expression)
  }
})
