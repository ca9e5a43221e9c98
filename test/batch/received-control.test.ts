import fc from 'fast-check'
import t from 'tap'
import { RecvBatch } from '../../src/index.js'
import * as c from '../../src/libc/constants.js'
import { structs } from '../../src/libc/structs.js'
import { type Arrival, arrive } from '../support/fake-kernel.js'
import { holds } from '../support/property.js'

type Control = NonNullable<Arrival['control']>[number]

function int(value: number): Uint8Array {
  return new Uint8Array(Int32Array.of(value).buffer)
}

function words(...values: number[]): Uint8Array {
  return new Uint8Array(Int32Array.from(values).buffer)
}

const IPV4_ADDRESS = Buffer.from('c0000207', 'hex').readInt32LE()
const IPV6_ADDRESS = Buffer.from('20010db8000000000000000000000007', 'hex')

/** A timespec of two longs. */
const TIMESPEC = new Uint8Array(BigInt64Array.of(1_700_000_000n, 123_456_789n).buffer)

const DROPS: Control = [c.SOL_SOCKET, c.SO_RXQ_OVFL, new Uint8Array(Uint32Array.of(0xffff_fffe).buffer)]
const TIMESTAMP: Control = [c.SOL_SOCKET, c.SO_TIMESTAMPNS, TIMESPEC]
const TOS: Control = [c.IPPROTO_IP, c.IP_TOS, Uint8Array.of(0xb9)]
const TTL: Control = [c.IPPROTO_IP, c.IP_TTL, int(64)]
const PKTINFO: Control = [c.IPPROTO_IP, c.IP_PKTINFO, words(7, 0, IPV4_ADDRESS)]
const TRAFFIC_CLASS: Control = [c.IPPROTO_IPV6, c.IPV6_TCLASS, int(0xba)]
const HOP_LIMIT: Control = [c.IPPROTO_IPV6, c.IPV6_HOPLIMIT, int(255)]
const PKTINFO6: Control = [c.IPPROTO_IPV6, c.IPV6_PKTINFO, Buffer.concat([IPV6_ADDRESS, int(9)])]
const GRO: Control = [c.IPPROTO_UDP, c.UDP_GRO, int(4)]

interface Meta {
  readonly dropCount?: number | undefined
  readonly timestampNs?: bigint | undefined
  readonly tos?: number | undefined
  readonly ecn?: number | undefined
  readonly ttl?: number | undefined
  readonly destination?: string | undefined
  readonly interfaceIndex?: number | undefined
  readonly segmentBytes?: number
}

const NOTHING: Meta = {
  dropCount: undefined,
  timestampNs: undefined,
  tos: undefined,
  ecn: undefined,
  ttl: undefined,
  destination: undefined,
  interfaceIndex: undefined,
  segmentBytes: 10,
}

function read(batch: RecvBatch): Meta {
  return {
    dropCount: batch.control.dropCount(0),
    timestampNs: batch.timestampNs(0),
    tos: batch.tos(0),
    ecn: batch.ecn(0),
    ttl: batch.ttl(0),
    destination: batch.destination(0),
    interfaceIndex: batch.interfaceIndex(0),
    segmentBytes: batch.segmentBytes(0),
  }
}

/** Values that a batch returns for a datagram of ten bytes with these control messages. */
function meta(control: readonly Control[], controlLength?: number): Meta {
  const batch = new RecvBatch({ capacity: 1 })
  const arrival: Arrival = { payload: '0123456789', control }
  arrive(batch, [controlLength === undefined ? arrival : { ...arrival, controlLength }])
  return read(batch)
}

const kinds: [what: string, control: Control, says: Meta][] = [
  ['SO_RXQ_OVFL', DROPS, { dropCount: 0xffff_fffe }],
  ['SO_TIMESTAMPNS', TIMESTAMP, { timestampNs: 1_700_000_000_123_456_789n }],
  ['IP_TOS, a byte', TOS, { tos: 0xb9, ecn: 1 }],
  ['IP_TTL', TTL, { ttl: 64 }],
  ['IP_PKTINFO', PKTINFO, { destination: '192.0.2.7', interfaceIndex: 7 }],
  ['IPV6_TCLASS', TRAFFIC_CLASS, { tos: 0xba, ecn: 2 }],
  ['IPV6_HOPLIMIT', HOP_LIMIT, { ttl: 255 }],
  ['IPV6_PKTINFO', PKTINFO6, { destination: '2001:db8::7', interfaceIndex: 9 }],
  ['UDP_GRO, an int', GRO, { segmentBytes: 4 }],
]
const skip = structs().pointerBytes === 8 ? false : 'the timespec is for 64-bit machines'

t.test('each control message sets its own values only', { skip }, async (t) => {
  t.strictSame(meta([]), NOTHING)
  for (const [what, control, says] of kinds) t.strictSame(meta([control]), { ...NOTHING, ...says }, what)
})

t.test('a control message that is one byte too short or of another level is ignored', { skip }, async (t) => {
  for (const [what, [level, type, data]] of kinds) {
    t.strictSame(meta([[level, type, data.subarray(0, -1)]]), NOTHING, `${what}: short`)
    t.strictSame(meta([[level, type, new Uint8Array(0)]]), NOTHING, `${what}: empty`)
    t.strictSame(meta([[level + 1000, type, data]]), NOTHING, `${what}: another level`)
  }
})

t.test('control messages are read in any order, with unknown ones among them', { skip }, async (t) => {
  const all: Control[] = [DROPS, TIMESTAMP, TOS, TTL, PKTINFO, GRO, [99, 99, Uint8Array.of(1, 2, 3)]]
  const says = Object.assign({}, NOTHING, ...kinds.slice(0, 5).map(([, , each]) => each), { segmentBytes: 4 })
  holds(
    t,
    fc.property(fc.shuffledSubarray(all, { minLength: all.length }), (order) => {
      const found = meta(order)
      return Object.entries(says).every(([name, value]) => found[name as keyof Meta] === value)
    }),
    50,
  )
})

t.test('only the bytes counted by the returned msg_controllen are read', { skip }, async (t) => {
  t.strictSame(meta([DROPS, TTL], 24), { ...NOTHING, dropCount: 0xffff_fffe }, 'the second one is beyond the length')
  t.strictSame(meta([DROPS, TTL], 24 + 19), { ...NOTHING, dropCount: 0xffff_fffe }, 'the second one is cut off')
  t.strictSame(meta([DROPS], 0), NOTHING)
})

t.test('a msg_controllen larger than the buffer is limited to the buffer', { skip }, async (t) => {
  for (const controlLength of [0xffff, 0x7fff_ffff, 0xffff_ffff]) {
    t.equal(meta([DROPS, TTL], controlLength).ttl, 64, 'the messages in the buffer are read')
  }
})

t.test('values of an earlier receive are not kept', { skip }, async (t) => {
  const batch = new RecvBatch({ capacity: 2 })
  arrive(batch, [{ payload: '0123456789', control: [DROPS, TTL, TOS] }])
  t.equal(read(batch).ttl, 64)
  arrive(batch, [{ payload: '0123456789' }])
  t.strictSame(read(batch), NOTHING)
  arrive(batch, [{ payload: '0123456789', control: [HOP_LIMIT] }])
  t.strictSame(read(batch), { ...NOTHING, ttl: 255 })
})

t.test('arbitrary bytes are read without an error', async (t) => {
  const batch = new RecvBatch({ capacity: 1 })
  holds(
    t,
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 256 }), fc.nat(0xffff_ffff), (bytes, length) => {
      arrive(batch, [{ payload: '0123456789', controlLength: length }])
      batch.slots.bytes.set(bytes, batch.slots.controlOffset(0))
      const { segmentBytes = 0 } = read(batch)
      return segmentBytes >= 1 && segmentBytes <= 10 && [...batch].length >= 1
    }),
  )
})
