import t, { type Test } from 'tap'
import { messagesOf } from '../../src/batch/send-batch.js'
import { sockaddrWords } from '../../src/endpoint/endpoint.js'
import { type Endpoint, endpoint, type Payload, SendBatch, type SendBatchOptions } from '../../src/index.js'
import { type Misuse, rejects } from '../support/misuse.js'
import { nativeMessage } from '../support/native-memory.js'

const peer = endpoint({ address: '192.0.2.7', port: 9000 })
const wrongType = { type: TypeError, code: 'ERR_INVALID_ARG_TYPE' } as const
const wrongValue = { type: TypeError, code: 'ERR_INVALID_ARG_VALUE' } as const
const outOfRange = { type: RangeError, code: 'ERR_OUT_OF_RANGE' } as const
const tooLong = { type: RangeError, code: 'ERR_PAYLOAD_TOO_LONG' } as const
const full = { type: RangeError, code: 'ERR_BATCH_FULL' } as const

type Put = readonly [payload: unknown, destination?: unknown, options?: unknown]

/** A batch with two messages and space for one more, of 16 bytes. */
function started(): SendBatch {
  const batch = new SendBatch({ capacity: 3, slotBytes: 16 })
  batch.append('first', peer)
  batch.append('second')
  messagesOf(batch)?.advance(1)
  return batch
}

/** Everything observable of a batch: its properties, and its headers in native memory. */
function state(batch: SendBatch): object {
  const messages = Array.from({ length: batch.length }, (_, index) => ({
    size: batch.size(index),
    destination: batch.destination(index),
    native: nativeMessage(batch.slots.headerAddress(index)),
  }))
  const { length, sent, remaining } = batch
  const destinationKinds = messagesOf(batch)?.destinationKinds
  return { length, sent, remaining, destinationKinds, messages }
}

/** Checks that each act throws its error and leaves the batch unchanged, and that the affected slot still works. */
function leavesAlone(t: Test, batch: SendBatch, table: readonly Misuse[]): void {
  const before = state(batch)
  for (const row of table) {
    rejects(t, [row])
    t.strictSame(state(batch), before, `${row.what}: the batch is unchanged`)
  }
  if (batch.length === batch.capacity) return
  const index = batch.append('good', peer)
  const { payload, name, controlLength } = nativeMessage(batch.slots.headerAddress(index))
  t.equal(payload.toString(), 'good')
  t.same(name, Buffer.from(sockaddrWords(peer).buffer))
  t.equal(controlLength, 0)
}

t.test('capacity and slotBytes are checked', async (t) => {
  const make = (options: unknown) => () => new SendBatch(options as SendBatchOptions)
  const capacity = 'capacity must be an integer from 1 to 65536; received'
  const slotBytes = 'slotBytes must be an integer from 1 to 1048576; received'
  rejects(t, [
    { what: 'no room', act: make({ capacity: 0 }), ...outOfRange, message: `${capacity} 0` },
    { what: 'too many', act: make({ capacity: 65537 }), ...outOfRange, message: `${capacity} 65537` },
    { what: 'half', act: make({ capacity: 1.5 }), ...outOfRange, message: `${capacity} 1.5` },
    {
      what: 'text',
      act: make({ capacity: '64' }),
      ...wrongType,
      message: /^capacity must be a number; received type string/,
    },
    { what: 'no bytes', act: make({ slotBytes: 0 }), ...outOfRange, message: `${slotBytes} 0` },
    { what: 'large slots', act: make({ slotBytes: 2 ** 20 + 1 }), ...outOfRange, message: `${slotBytes} 1048577` },
    { what: 'NaN', act: make({ slotBytes: Number.NaN }), ...outOfRange, message: `${slotBytes} NaN` },
    {
      what: 'a number',
      act: make(64),
      ...wrongType,
      message: /^SendBatch options must be a plain object; received type number/,
    },
    {
      what: 'misspelled',
      act: make({ slotbytes: 9 }),
      type: TypeError,
      code: 'ERR_UNKNOWN_OPTION',
      message: /^SendBatch: unknown option 'slotbytes'; known: capacity, slotBytes/,
    },
  ])
})

t.test('a batch above the memory limit is rejected with a code before the allocation', async (t) => {
  // 64 GiB in total, although each of the two values is within its range.
  const act = () => new SendBatch({ capacity: 65536, slotBytes: 2 ** 20 })
  rejects(t, [{ what: '64 GiB', act, ...outOfRange, message: /capacity.*slotBytes/ }])
})

t.test('an invalid payload leaves the batch unchanged', async (t) => {
  const batch = started()
  const append =
    (...[payload]: Put) =>
    () =>
      batch.append(payload as Payload, peer)
  const refer =
    (...[payload]: Put) =>
    () =>
      batch.appendReference(payload as Uint8Array, peer)
  const reserve = (byteLength: unknown) => () => batch.reserve(byteLength as number, peer)
  const resizable = new (ArrayBuffer as new (size: number, options: object) => ArrayBuffer)(8, { maxByteLength: 16 })
  const isTooLong = /^payload of 17 bytes does not fit: at most 16/
  leavesAlone(t, batch, [
    { what: 'append 17', act: append(Buffer.alloc(17)), ...tooLong, message: isTooLong },
    { what: 'append text of 17', act: append('x'.repeat(17)), ...tooLong, message: isTooLong },
    { what: 'append pieces of 17', act: append(['x'.repeat(9), 'x'.repeat(8)]), ...tooLong, message: isTooLong },
    {
      what: 'append nothing',
      act: append(undefined),
      ...wrongType,
      message: /^payload must be .*; received undefined$/,
    },
    { what: 'append a bad piece', act: append(['fine', 7]), ...wrongType, message: /received type number \(7\)$/ },
    { what: 'refer to text', act: refer('text'), ...wrongType, message: /received type string \('text'\)$/ },
    { what: 'refer to nothing', act: refer(null), ...wrongType, message: /received null$/ },
    { what: 'refer to what can shrink', act: refer(resizable), ...wrongValue, message: /resizable/ },
    { what: 'reserve 17', act: reserve(17), ...tooLong, message: isTooLong },
    {
      what: 'reserve -1',
      act: reserve(-1),
      ...outOfRange,
      message: /^byteLength must be an integer from 0 .*received -1$/,
    },
    { what: 'reserve 1.5', act: reserve(1.5), ...outOfRange, message: /^byteLength must be .*received 1.5$/ },
    { what: 'reserve NaN', act: reserve(Number.NaN), ...outOfRange, message: /^byteLength must be .*received NaN$/ },
    {
      what: 'reserve text',
      act: reserve('5'),
      ...wrongType,
      message: "byteLength must be a number; received type string ('5')",
    },
    {
      what: 'reserve nothing',
      act: reserve(undefined),
      ...wrongType,
      message: 'byteLength must be a number; received undefined',
    },
  ])
})

t.test('an invalid destination leaves the batch unchanged', async (t) => {
  const batch = started()
  const portless = endpoint({ address: '192.0.2.7', port: 0 })
  const must = 'destination must come from endpoint({ address, port }); received'
  const cases: Omit<Misuse, 'act' | 'what'>[] = [
    { ...wrongType, message: `${must} an instance of Object` },
    { ...wrongType, message: `${must} null` },
    { ...wrongType, message: `${must} type string ('192.0.2.7:9000')` },
    {
      type: RangeError,
      code: 'ERR_SOCKET_BAD_PORT',
      message: 'a destination port must be an integer from 1 to 65535; received 0',
    },
  ]
  const destinations = [{ address: '192.0.2.7', port: 9000 }, null, '192.0.2.7:9000', portless] as Endpoint[]
  const table = cases.flatMap((wanted, index): Misuse[] => {
    const destination = destinations[index]
    return [
      { what: `append to ${destination}`, act: () => batch.append('x', destination), ...wanted },
      { what: `reserve for ${destination}`, act: () => batch.reserve(1, destination), ...wanted },
      { what: `refer to ${destination}`, act: () => batch.appendReference(Buffer.from('x'), destination), ...wanted },
    ]
  })
  leavesAlone(t, batch, table)
})

t.test('invalid options leave the batch unchanged', async (t) => {
  const batch = started()
  const external = Buffer.from('external memory')
  const [unknown, hops] = [{ ttll: 1 } as object, { ttl: 256 }]
  const isUnknown = { type: TypeError, code: 'ERR_UNKNOWN_OPTION', message: /'ttll'/ } as const
  const isTooFar = { ...outOfRange, message: 'ttl must be an integer from 1 to 255; received 256' } as const
  leavesAlone(t, batch, [
    { what: 'append, unknown', act: () => batch.append('x', peer, unknown), ...isUnknown },
    { what: 'append, ttl', act: () => batch.append('x', peer, hops), ...isTooFar },
    { what: 'reserve, ttl', act: () => batch.reserve(1, peer, hops), ...isTooFar },
    // Last: if the rejected call had left the slot pointing at external memory, the next valid message would send those
    // bytes.
    { what: 'refer, ttl', act: () => batch.appendReference(external, peer, hops), ...isTooFar },
  ])
})

t.test('a full batch rejects further messages', async (t) => {
  const batch = started()
  batch.append('third', peer)
  const message = 'the batch already holds its 3 messages; send and clear it'
  leavesAlone(t, batch, [
    { what: 'append', act: () => batch.append('x', peer), ...full, message },
    { what: 'reserve', act: () => batch.reserve(1), ...full, message },
    { what: 'refer', act: () => batch.appendReference(Buffer.from('x')), ...full, message },
  ])
  batch.clear()
  t.equal(batch.append('again'), 0)
})

t.test('an index is valid only for an appended message', async (t) => {
  const batch = started()
  const wanted = (index: unknown) => ({ ...outOfRange, message: `index must be from 0 to 1; received ${index}` })
  const table = [-1, 2, 0.5, Number.NaN, '0', undefined].flatMap((index): Misuse[] => [
    { what: `size(${index})`, act: () => batch.size(index as number), ...wanted(index) },
    { what: `destination(${index})`, act: () => batch.destination(index as number), ...wanted(index) },
  ])
  leavesAlone(t, batch, table)
})

t.test('skip requires an unsent message', async (t) => {
  const wanted = { ...outOfRange, message: 'skip: no message is left to send' }
  rejects(t, [{ what: 'an empty batch', act: () => new SendBatch().skip(), ...wanted }])
  const batch = started()
  batch.skip()
  leavesAlone(t, batch, [{ what: 'all sent', act: () => batch.skip(), ...wanted }])
})

t.test('a reference above 2 GiB is rejected', async (t) => {
  // The kernel allocates no pages for memory that is never touched.
  const huge = new Uint8Array(2 ** 31)
  const act = () => new SendBatch().appendReference(huge, peer)
  rejects(t, [
    { what: '2 GiB', act, ...tooLong, message: /^payload of 2147483648 bytes does not fit: at most 2147483647/ },
  ])
})
