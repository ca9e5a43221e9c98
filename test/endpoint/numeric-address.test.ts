import { networkInterfaces } from 'node:os'
import fc from 'fast-check'
import t from 'tap'
import { interfaceIndex, interfaceName, numericToText, textToNumeric } from '../../src/endpoint/numeric-address.js'
import { ErrnoError } from '../../src/libc/errno-error.js'
import { holds } from '../support/property.js'

const [someInterface] = Object.keys(networkInterfaces())

t.test('text is converted to bytes in network order', async (t) => {
  const table: [text: string, family: 'ipv4' | 'ipv6', hex: string][] = [
    ['192.0.2.7', 'ipv4', 'c0000207'],
    ['255.255.255.255', 'ipv4', 'ffffffff'],
    ['::', 'ipv6', '00000000000000000000000000000000'],
    ['2001:db8::7', 'ipv6', '20010db8000000000000000000000007'],
    ['2001:0DB8:0:0::0007', 'ipv6', '20010db8000000000000000000000007'],
    ['::ffff:192.0.2.7', 'ipv6', '00000000000000000000ffffc0000207'],
  ]
  for (const [text, family, hex] of table) {
    const { bytes, scopeId } = textToNumeric(text, family)
    t.equal(Buffer.from(bytes).toString('hex'), hex, text)
    t.equal(scopeId, 0, text)
  }
})

t.test('a zone is converted to the index of its interface', async (t) => {
  t.equal(textToNumeric('fe80::1%7', 'ipv6').scopeId, 7)
  t.equal(textToNumeric(`fe80::1%${someInterface}`, 'ipv6').scopeId, interfaceIndex(someInterface))
})

t.test('text that is no address of the family is rejected', async (t) => {
  for (const [text, family] of [
    ['::1', 'ipv4'],
    ['127.0.0.1', 'ipv6'],
    ['localhost', 'ipv4'],
    ['', 'ipv6'],
  ] as const) {
    t.throws(() => textToNumeric(text, family), {
      name: 'TypeError',
      code: 'ERR_INVALID_ARG_VALUE',
      message: `'${text}' is not a numeric address`,
    })
  }
})

t.test('bytes are converted to the shortest notation', async (t) => {
  const table: [hex: string, text: string][] = [
    ['00000000000000000000000000000000', '::'],
    ['20010db8000000000000000000000007', '2001:db8::7'],
    ['20010db8000000010000000000000001', '2001:db8:0:1::1'],
    ['00000000000000000000ffffc0000207', '::ffff:192.0.2.7'],
    ['ffffffffffffffffffffffffffffffff', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ]
  for (const [hex, text] of table) t.equal(numericToText(Buffer.from(hex, 'hex'), 'ipv6'), text)
  t.equal(numericToText(Uint8Array.of(255, 255, 255, 255), 'ipv4'), '255.255.255.255')
  t.equal(numericToText(Uint8Array.of(0, 0, 0, 0), 'ipv4'), '0.0.0.0', 'a shorter text after a longer one')
})

t.test('arbitrary bytes survive the conversion to text and back', async (t) => {
  for (const [family, length] of [
    ['ipv4', 4],
    ['ipv6', 16],
  ] as const) {
    holds(
      t,
      fc.property(fc.uint8Array({ minLength: length, maxLength: length }), (bytes) => {
        const back = textToNumeric(numericToText(bytes, family), family).bytes
        return Buffer.compare(back, bytes) === 0
      }),
    )
  }
})

t.test('an interface is found by name or index, and its name by index', async (t) => {
  const index = interfaceIndex(someInterface)
  t.ok(index > 0)
  t.equal(interfaceName(index), someInterface)
  t.equal(interfaceIndex(String(index)), index)
  t.equal(interfaceName(999_999_999), '999999999', 'an unknown index is its own name')
})

t.test('an unknown interface gives the error of Linux', async (t) => {
  const act = () => interfaceIndex('no-such-if')
  t.throws(act, ErrnoError)
  t.throws(act, { code: 'ENODEV', syscall: 'if_nametoindex', address: 'no-such-if', message: /no-such-if$/ })
})
