import { runInNewContext } from 'node:vm'
import t, { type Test } from 'tap'
import { type BatchConn, type Endpoint, RecvBatch, SendBatch } from '../../src/index.js'
import { boundSocket } from '../support/sockets.js'

const SLOT_BYTES = 16
const LIE = 60_000 - 2 ** 32

/**
 * Sends the message that `put` adds to a batch. Returns the bytes that arrive, or the error code if it was rejected.
 */
function outcome(t: Test, put: (batch: SendBatch, to: Endpoint) => void): string {
  const conn: BatchConn = boundSocket()
  t.teardown(() => conn.close())
  const batch = new SendBatch({ capacity: 1, slotBytes: SLOT_BYTES })
  try {
    put(batch, conn.localAddress)
  } catch (error) {
    return String(Reflect.get(error as Error, 'code'))
  }
  conn.send(batch)
  const inbox = new RecvBatch({ slotBytes: 65_535 })
  conn.recv(inbox)
  return inbox.bytes(0).toString('latin1')
}

function lying(properties: PropertyDescriptorMap): Uint8Array {
  return Object.defineProperties(new Uint8Array(10).fill(0x61), properties)
}

class Subclass extends Uint8Array {
  override get length(): number {
    return LIE
  }
  override get byteLength(): number {
    return LIE
  }
}

let reads = 0
const changing = {
  get: () => {
    reads += 1
    return reads % 2 === 1 ? 10 : 60_000
  },
}

const liars: Record<string, () => Uint8Array> = {
  'own length': () => lying({ length: { value: LIE } }),
  'own byteLength': () => lying({ byteLength: { value: LIE } }),
  'own byteOffset': () => lying({ byteOffset: { value: 4096 }, byteLength: { value: 30_000 } }),
  'own buffer': () => lying({ buffer: { value: new ArrayBuffer(100_000) } }),
  'length that changes': () => lying({ length: changing, byteLength: changing }),
  'length with a valueOf': () => lying({ length: { value: { valueOf: () => 60_000 } } }),
  subclass: () => new Subclass(10).fill(0x61),
  'another realm': () =>
    runInNewContext('Object.defineProperty(new Uint8Array(10).fill(97), "length", { value: 6e4 })'),
}

for (const [what, make] of Object.entries(liars)) {
  t.test(`a view with false bounds is sent with its real bounds: ${what}`, async (t) => {
    const real = 'a'.repeat(10)
    t.equal(
      outcome(t, (batch, to) => batch.append(make(), to)),
      real,
      'append',
    )
    t.equal(
      outcome(t, (batch, to) => batch.append([make()], to)),
      real,
      'append of a list',
    )
    t.equal(
      outcome(t, (batch, to) => batch.appendReference(make(), to)),
      real,
      'appendReference',
    )
  })
}

t.test('a DataView with false bounds is sent with its real bounds', async (t) => {
  const view = () => Object.defineProperty(new DataView(new ArrayBuffer(5)), 'byteLength', { value: 60_000 })
  t.equal(outcome(t, (batch, to) => batch.append(view(), to)).length, 5)
  t.equal(outcome(t, (batch, to) => batch.appendReference(view(), to)).length, 5)
})

t.test('objects that only look like bytes are rejected', async (t) => {
  const fakes: [what: string, payload: unknown][] = [
    ['a Proxy', new Proxy(new Uint8Array(10), {})],
    [
      'a Proxy with false bounds',
      new Proxy(new Uint8Array(10), { get: (of, key) => (key === 'length' ? 60_000 : Reflect.get(of, key)) }),
    ],
    ['the prototype', Object.create(Uint8Array.prototype)],
    ['the prototype, with a length', Object.create(Uint8Array.prototype, { length: { value: 60_000 } })],
    ['a Proxy of a buffer', new Proxy(new ArrayBuffer(10), {})],
  ]
  for (const [what, payload] of fakes) {
    t.equal(
      outcome(t, (batch, to) => batch.append(payload as Uint8Array, to)),
      'ERR_INVALID_ARG_TYPE',
      what,
    )
    t.equal(
      outcome(t, (batch, to) => batch.appendReference(payload as Uint8Array, to)),
      'ERR_INVALID_ARG_TYPE',
      what,
    )
  }
})

t.test('a list is read once: its elements cannot change between measuring and copying', async (t) => {
  let reads = 0
  const list = new Proxy(['x'], {
    get: (of, key, receiver) => {
      if (key !== '0') return Reflect.get(of, key, receiver)
      reads += 1
      return reads === 1 ? 'short' : 'x'.repeat(10_000)
    },
  })
  t.equal(
    outcome(t, (batch, to) => batch.append(list, to)),
    'short',
  )
  t.equal(reads, 1)
})

t.test('reserve rejects values that are no numbers', async (t) => {
  const batch = new SendBatch({ slotBytes: SLOT_BYTES })
  for (const byteLength of [5n, '5', { valueOf: () => 5 }, Symbol('5'), null, undefined]) {
    t.throws(() => batch.reserve(byteLength as number), { code: 'ERR_INVALID_ARG_TYPE' }, typeof byteLength)
  }
  for (const byteLength of [-1, 0.5, Number.NaN, 2 ** 32 + 5]) {
    t.throws(() => batch.reserve(byteLength), { name: 'RangeError' }, String(byteLength))
  }
  t.equal(batch.reserve(-0).byteLength, 0)
})

t.test('the sizes of a batch are read-only', async (t) => {
  const batch = new SendBatch({ capacity: 1, slotBytes: SLOT_BYTES })
  const inbox = new RecvBatch({ capacity: 1, slotBytes: SLOT_BYTES })
  for (const each of [batch, inbox]) {
    for (const name of ['capacity', 'slotBytes', 'length']) t.notOk(Reflect.set(each, name, 60_000), name)
  }
  t.throws(() => batch.append('x'.repeat(SLOT_BYTES + 1)), { code: 'ERR_PAYLOAD_TOO_LONG' })
})

t.test('the buffers of payload views contain payloads only, and no native address', async (t) => {
  using conn = boundSocket()
  const batch = new SendBatch({ capacity: 2 })
  batch.append('x', conn.localAddress)
  conn.send(batch)
  const inbox = new RecvBatch({ capacity: 2 })
  conn.recv(inbox)
  for (const { buffer } of [batch.reserve(4), inbox.bytes(0)]) {
    const words = new BigUint64Array(buffer, 0, Math.floor(buffer.byteLength / 8))
    t.equal(words.filter((word) => word > 0x1_0000_0000n).length, 0)
  }
})
