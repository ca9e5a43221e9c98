import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import {
  decodeSockaddr,
  encodeSockaddr,
  isMappedSockaddr,
  SOCKADDR_SLOT_BYTES,
  type SocketAddress,
  sockaddrBytes,
} from '../../src/layout/sockaddr.js'
import { holds } from '../support/property.js'

const ipv4: SocketAddress = { family: 'ipv4', port: 0x1234, bytes: Uint8Array.of(192, 0, 2, 7), scopeId: 0 }
const ipv6: SocketAddress = {
  family: 'ipv6',
  port: 0x1234,
  bytes: Uint8Array.from({ length: 16 }, (_, index) => 0xf0 + index),
  scopeId: 0x0a0b0c0d,
}

function encoded(address: SocketAddress): string {
  const bytes = Buffer.alloc(sockaddrBytes(address.family))
  encodeSockaddr(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), 0, address)
  return bytes.toString('hex')
}

t.test('sizes are those of the C structures, and a slot has space for IPv4 and IPv6', async (t) => {
  t.equal(sockaddrBytes('ipv4'), 16)
  t.equal(sockaddrBytes('ipv6'), 28)
  t.ok(SOCKADDR_SLOT_BYTES >= 28)
  t.equal(SOCKADDR_SLOT_BYTES % 8, 0)
})

t.test('as in C: family in host byte order, port and address in network byte order', async (t) => {
  t.equal(encoded(ipv4), '02001234c00002070000000000000000')
  t.equal(encoded(ipv6), '0a00123400000000f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff0d0c0b0a')
})

const anyAddress = fc.oneof(
  fc.record({
    family: fc.constant('ipv4' as const),
    port: fc.nat(65535),
    bytes: fc.uint8Array({ minLength: 4, maxLength: 4 }),
    scopeId: fc.constant(0),
  }),
  fc.record({
    family: fc.constant('ipv6' as const),
    port: fc.nat(65535),
    bytes: fc.uint8Array({ minLength: 16, maxLength: 16 }),
    scopeId: fc.nat(0xffff_ffff),
  }),
)

t.test('an encoded address is decoded again, at any offset of a view with any offset', async (t) => {
  holds(
    t,
    fc.property(anyAddress, fc.nat(40), fc.nat(40), (address, viewOffset, offset) => {
      const memory = new ArrayBuffer(128)
      const view = new DataView(memory, viewOffset)
      encodeSockaddr(view, offset, address)
      const decoded = decodeSockaddr(view, offset, sockaddrBytes(address.family))
      return isDeepStrictEqual(decoded, { ...address })
    }),
  )
})

t.test('the decoded bytes are a copy', async (t) => {
  const view = new DataView(new ArrayBuffer(28))
  encodeSockaddr(view, 0, ipv6)
  const decoded = decodeSockaddr(view, 0, 28)
  view.setUint32(8, 0)
  t.same(decoded?.bytes, ipv6.bytes)
})

t.test('a sockaddr that is too short or of another family gives undefined', async (t) => {
  const table: [what: string, address: SocketAddress, family: number, length: number][] = [
    ['no bytes at all', ipv4, 2, 0],
    ['half a family', ipv4, 2, 1],
    ['a family alone', ipv4, 2, 2],
    ['a sockaddr_in without its last byte', ipv4, 2, 15],
    ['a sockaddr_in6 without its last byte', ipv6, 10, 27],
    ['a sockaddr_in6 of the length of a sockaddr_in', ipv6, 10, 16],
    ['AF_UNSPEC', ipv4, 0, 16],
    ['AF_UNIX', ipv4, 1, 16],
    ['AF_NETLINK', ipv6, 16, 28],
    ['a family that has AF_INET in its lower byte', ipv4, 0x0102, 16],
  ]
  for (const [what, address, family, length] of table) {
    const view = new DataView(new ArrayBuffer(28))
    encodeSockaddr(view, 0, address)
    view.setUint16(0, family, true)
    t.equal(decodeSockaddr(view, 0, length), undefined, what)
  }
})

t.test('a length above that of the structure is accepted: a sockaddr_storage is longer', async (t) => {
  const view = new DataView(new ArrayBuffer(128))
  encodeSockaddr(view, 0, ipv4)
  t.strictSame(decodeSockaddr(view, 0, 128), ipv4)
})

t.test('an IPv4-mapped address is recognized', async (t) => {
  const table: [hex: string, isMapped: boolean][] = [
    ['00000000000000000000ffffc0000207', true],
    ['00000000000000000000ffff00000000', true],
    ['000000000000000000000000c0000207', false],
    ['0000000000000000ffff0000c0000207', false],
    ['01000000000000000000ffffc0000207', false],
    ['00000000000000010000ffffc0000207', false],
    ['00000000000000000000fffec0000207', false],
    ['20010db8000000000000000000000007', false],
  ]
  for (const [hex, isMapped] of table) {
    const words = new Uint32Array(7)
    encodeSockaddr(new DataView(words.buffer), 0, { ...ipv6, bytes: Buffer.from(hex, 'hex') })
    t.equal(isMappedSockaddr(words), isMapped, hex)
  }
  const words = new Uint32Array(4)
  encodeSockaddr(new DataView(words.buffer), 0, ipv4)
  t.notOk(isMappedSockaddr(words), 'IPv4 itself')
})
