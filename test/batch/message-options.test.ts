import t from 'tap'
import { type MessageOptions, OptionWriter, segmentBytesOf } from '../../src/batch/message-options.js'
import { type Endpoint, endpoint } from '../../src/endpoint/endpoint.js'
import { ControlCursor, optionControlBytes } from '../../src/layout/control.js'
import * as c from '../../src/libc/constants.js'
import { GuardedView } from '../support/guarded-view.js'
import { type Misuse, rejects } from '../support/misuse.js'

const ipv4 = endpoint({ address: '192.0.2.7', port: 9000 })
const ipv6 = endpoint({ address: '2001:db8::7', port: 9000 })
const mapped = endpoint({ address: '::ffff:192.0.2.7', port: 9000 })
const OFFSET = 16

/** Returns the control messages as `level/type: data`. Throws if anything outside their space was written. */
function controlMessages(options: MessageOptions, destination?: Endpoint): string[] {
  const view = new GuardedView(new ArrayBuffer(OFFSET + optionControlBytes() + 64))
  const writer = new OptionWriter(view)
  writer.read(options)
  const byteLength = writer.write(OFFSET, destination)
  if (!view.stayedWithin(OFFSET, OFFSET + optionControlBytes())) throw new Error('wrote outside its space')
  const cursor = new ControlCursor(view)
  cursor.reset(OFFSET, byteLength)
  const found: string[] = []
  while (cursor.next()) {
    const data = Buffer.from(view.buffer, cursor.dataOffset, cursor.dataBytes).toString('hex')
    found.push(`${cursor.level}/${cursor.type}: ${data}`)
  }
  return found
}

const tos = (hex: string) => `${c.IPPROTO_IP}/${c.IP_TOS}: ${hex}`
const trafficClass = (hex: string) => `${c.IPPROTO_IPV6}/${c.IPV6_TCLASS}: ${hex}`
const ttl = (hex: string) => `${c.IPPROTO_IP}/${c.IP_TTL}: ${hex}`
const hopLimit = (hex: string) => `${c.IPPROTO_IPV6}/${c.IPV6_HOPLIMIT}: ${hex}`
const pktinfo = (hex: string) => `${c.IPPROTO_IP}/${c.IP_PKTINFO}: ${hex}`
const pktinfo6 = (hex: string) => `${c.IPPROTO_IPV6}/${c.IPV6_PKTINFO}: ${hex}`

t.test('options become control messages of the network layer that carries the message', async (t) => {
  const source6 = '20010db8000000000000000000000001'
  const table: [what: string, options: MessageOptions, destination: Endpoint | undefined, expected: string[]][] = [
    ['none', {}, ipv4, []],
    ['a segment size has no control message here', { segmentBytes: 9 }, ipv4, []],
    ['all undefined', { ecn: undefined, ttl: undefined } as object, ipv4, []],
    ['ECN', { ecn: 2 }, ipv4, [tos('02000000')]],
    ['ECN 0 is a value', { ecn: 0 }, ipv4, [tos('00000000')]],
    ['TOS', { tos: 0xb9 }, ipv4, [tos('b9000000')]],
    ['ECN over TOS', { tos: 0xb9, ecn: 2 }, ipv4, [tos('ba000000')]],
    ['ECN over IPv6', { ecn: 1 }, ipv6, [trafficClass('01000000')]],
    ['ECN to a mapped address', { ecn: 1 }, mapped, [tos('01000000')]],
    ['ECN to the connected peer', { ecn: 1 }, undefined, [tos('01000000'), trafficClass('01000000')]],
    ['TTL', { ttl: 255 }, ipv4, [ttl('ff000000')]],
    ['hop limit', { ttl: 1 }, ipv6, [hopLimit('01000000')]],
    ['TTL to the connected peer', { ttl: 7 }, undefined, [ttl('07000000'), hopLimit('07000000')]],
    ['source', { source: '192.0.2.1' }, ipv4, [pktinfo('00000000c000020100000000')]],
    ['interface', { interfaceIndex: 3 }, ipv4, [pktinfo('030000000000000000000000')]],
    ['source and interface', { source: '192.0.2.1', interfaceIndex: 3 }, ipv4, [pktinfo('03000000c000020100000000')]],
    ['source over IPv6', { source: '2001:db8::1' }, ipv6, [pktinfo6(`${source6}00000000`)]],
    ['source to the connected peer', { source: '2001:db8::1' }, undefined, [pktinfo6(`${source6}00000000`)]],
    ['interface over IPv6', { interfaceIndex: 3 }, ipv6, [pktinfo6(`${'00'.repeat(16)}03000000`)]],
    ['time', { txTimeNs: 0x0102030405060708n }, ipv4, [`${c.SOL_SOCKET}/${c.SO_TXTIME}: 0807060504030201`]],
  ]
  for (const [what, options, destination, expected] of table)
    t.same(controlMessages(options, destination), expected, what)
})

t.test('the control buffer has space for all options together', async (t) => {
  const all = { ecn: 1, tos: 0x20, ttl: 9, interfaceIndex: 1, txTimeNs: 1n }
  t.equal(controlMessages({ ...all, source: '192.0.2.1' }, ipv4).length, 4)
  t.equal(controlMessages({ ...all, source: '2001:db8::1' }, ipv6).length, 4)
  t.equal(controlMessages({ ...all, source: '2001:db8::1' }).length, 6)
})

const outOfRange = { type: RangeError, code: 'ERR_OUT_OF_RANGE' } as const
const wrongType = { type: TypeError, code: 'ERR_INVALID_ARG_TYPE' } as const
const wrongValue = { type: TypeError, code: 'ERR_INVALID_ARG_VALUE' } as const
const otherFamily = { type: TypeError, code: 'ERR_ADDRESS_FAMILY' } as const

t.test('an invalid value is rejected with the name of the option', async (t) => {
  const act = (options: object, destination?: Endpoint) => () => controlMessages(options, destination)
  const range = (name: string, low: number, high: number, value: number): Misuse => ({
    what: `${name} ${value}`,
    act: act({ [name]: value }, ipv4),
    ...outOfRange,
    message: `${name} must be an integer from ${low} to ${high}; received ${value}`,
  })
  rejects(t, [
    range('ecn', 0, 3, 4),
    range('ecn', 0, 3, -1),
    range('tos', 0, 255, 256),
    range('tos', 0, 255, 0.5),
    range('ttl', 1, 255, 0),
    range('ttl', 1, 255, 256),
    range('interfaceIndex', 0, 2 ** 31 - 1, -1),
    range('interfaceIndex', 0, 2 ** 31 - 1, 2 ** 31),
    {
      what: 'ttl text',
      act: act({ ttl: '9' }),
      ...wrongType,
      message: "ttl must be a number; received type string ('9')",
    },
    {
      what: 'source 7',
      act: act({ source: 7 }),
      ...wrongType,
      message: 'source must be a string; received type number (7)',
    },
    { what: 'source name', act: act({ source: 'localhost' }), ...wrongValue, message: /numeric .*'localhost'/ },
    {
      what: 'txTimeNs 1',
      act: act({ txTimeNs: 1 }),
      ...wrongType,
      message: /^txTimeNs must be a bigint; received type/,
    },
    { what: 'txTimeNs -1n', act: act({ txTimeNs: -1n }), ...outOfRange, message: /^txTimeNs must be .*received -1$/ },
    { what: 'txTimeNs 2^64', act: act({ txTimeNs: 2n ** 64n }), ...outOfRange, message: /^txTimeNs must be / },
    {
      what: 'IPv6 to IPv4',
      act: act({ source: '2001:db8::1' }, ipv4),
      ...otherFamily,
      message: /2001:db8::1.*192.0.2.7/,
    },
    {
      what: 'IPv4 to IPv6',
      act: act({ source: '192.0.2.1' }, ipv6),
      ...otherFamily,
      message: /192.0.2.1.*2001:db8::7/,
    },
    {
      what: 'interface alone',
      act: act({ interfaceIndex: 3 }),
      ...wrongValue,
      message: /^interfaceIndex requires a dest/,
    },
    {
      what: 'misspelled',
      act: act({ enc: 1 }),
      type: TypeError,
      code: 'ERR_UNKNOWN_OPTION',
      message: /^message options: unknown option 'enc'; known: segmentBytes, ecn, tos, ttl/,
    },
  ])
})

t.test('an options object that is used again is read again for each message', async (t) => {
  const writer = new OptionWriter(new DataView(new ArrayBuffer(optionControlBytes())))
  const options: MessageOptions = { ttl: 9 }
  writer.read(options)
  t.equal(writer.write(0, ipv4), 24)
  options.ttl = 999
  t.throws(() => writer.read(options), { code: 'ERR_OUT_OF_RANGE' })
})

t.test('a message longer than one segment becomes a GSO send', async (t) => {
  const table: [byteLength: number, segmentBytes: number | undefined, expected: number][] = [
    [1000, undefined, 0],
    [1000, 1001, 0],
    [1000, 1000, 0],
    [1000, 999, 999],
    [0, 1, 0],
    [64, 1, 1],
    [65_507, 1400, 1400],
  ]
  for (const [byteLength, segmentBytes, expected] of table) {
    t.equal(segmentBytesOf(byteLength, ipv4, segmentBytes, 64), expected, `${byteLength} in ${segmentBytes}`)
  }
  t.equal(segmentBytesOf(65_527, ipv6, 1400, 64), 1400)
})

t.test('a GSO send that every kernel rejects is rejected', async (t) => {
  const act = (byteLength: number, segmentBytes: number, destination?: Endpoint) => () =>
    segmentBytesOf(byteLength, destination, segmentBytes, 64)
  const read = (segmentBytes: unknown) => () => controlMessages({ segmentBytes } as MessageOptions, ipv4)
  const tooLong = { type: RangeError, code: 'ERR_GSO_TOO_LARGE' } as const
  const most = (bytes: number, received: number) =>
    `a GSO send must be at most ${bytes} bytes in all; received ${received}`
  const manyMessage = '65 bytes in segments of 1 are 65 segments; at most 64 are allowed (maxSegments)'
  rejects(t, [
    { what: 'too many', act: act(65, 1, ipv4), ...tooLong, message: manyMessage },
    { what: 'IPv4', act: act(65_508, 1400, ipv4), ...tooLong, message: most(65_507, 65_508) },
    { what: 'mapped', act: act(65_508, 1400, mapped), ...tooLong, message: most(65_507, 65_508) },
    { what: 'connected', act: act(65_508, 1400), ...tooLong, message: most(65_507, 65_508) },
    { what: 'IPv6', act: act(65_528, 1400, ipv6), ...tooLong, message: most(65_527, 65_528) },
    { what: '0', act: read(0), ...outOfRange, message: /^segmentBytes must be .*received 0$/ },
    { what: '65536', act: read(65_536), ...outOfRange, message: /^segmentBytes must be .*received 65536$/ },
    { what: 'text', act: read('9'), ...wrongType, message: /^segmentBytes must be a number/ },
  ])
})
