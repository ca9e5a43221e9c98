import { networkInterfaces } from 'node:os'
import { inspect } from 'node:util'
import t from 'tap'
import {
  Endpoint,
  type EndpointLike,
  endpoint,
  endpointFromSockaddr,
  sockaddrWords,
} from '../../src/endpoint/endpoint.js'
import { interfaceIndex } from '../../src/endpoint/numeric-address.js'
import { type Misuse, rejects } from '../support/misuse.js'

const [someInterface] = Object.keys(networkInterfaces())
const someIndex = interfaceIndex(someInterface)

function sockaddr(endpoint: Endpoint): string {
  return Buffer.from(sockaddrWords(endpoint).buffer).toString('hex')
}

interface Row {
  readonly address: string
  readonly family: 'ipv4' | 'ipv6'
  /** The address and port read back from the sockaddr. */
  readonly text: string
  readonly string: string
  readonly sockaddr: string
}

const table: readonly Row[] = [
  {
    address: '192.0.2.7',
    family: 'ipv4',
    text: '192.0.2.7',
    string: '192.0.2.7:9000',
    sockaddr: '02002328c00002070000000000000000',
  },
  {
    address: '2001:DB8:0::7',
    family: 'ipv6',
    text: '2001:db8::7',
    string: '[2001:db8::7]:9000',
    sockaddr: '0a0023280000000020010db800000000000000000000000700000000',
  },
  {
    address: '::ffff:192.0.2.7',
    family: 'ipv6',
    text: '::ffff:192.0.2.7',
    string: '[::ffff:192.0.2.7]:9000',
    sockaddr: '0a0023280000000000000000000000000000ffffc000020700000000',
  },
  {
    address: 'fe80::1%987654',
    family: 'ipv6',
    text: 'fe80::1%987654',
    string: '[fe80::1%987654]:9000',
    sockaddr: '0a00232800000000fe80000000000000000000000000000106120f00',
  },
]

t.test('address and port survive the conversion to a sockaddr and back', async (t) => {
  for (const row of table) {
    const made = endpoint({ address: row.address, port: 9000 })
    t.equal(made.family, row.family, row.address)
    t.equal(made.address, row.text, row.address)
    t.equal(made.port, 9000, row.address)
    t.equal(made.toString(), row.string, row.address)
    t.equal(`${made}`, row.string, row.address)
    t.equal(inspect(made), `Endpoint ${row.string}`, row.address)
    t.equal(JSON.stringify(made), JSON.stringify({ address: row.text, port: 9000, family: row.family }), row.address)
    t.equal(sockaddr(made), row.sockaddr, row.address)
    t.equal(made.byteLength, row.sockaddr.length / 2, row.address)
  }
})

t.test('each kind of destination has its own bit', async (t) => {
  const ipv4 = endpoint({ address: '192.0.2.7', port: 1 }).kind
  const ipv6 = endpoint({ address: '2001:db8::7', port: 1 }).kind
  t.equal(ipv4 & (ipv4 - 1), 0)
  t.equal(ipv6 & (ipv6 - 1), 0)
  t.not(ipv4, ipv6)
})

t.test('a link-local address contains its interface, however it was given', async (t) => {
  for (const zone of [someInterface, String(someIndex)]) {
    const made = endpoint({ address: `fe80::1%${zone}`, port: 7 })
    t.equal(made.address, `fe80::1%${someInterface}`)
    t.equal(new DataView(sockaddrWords(made).buffer).getUint32(24, true), someIndex)
  }
})

t.test('an interface name may contain every character that Linux allows', async (t) => {
  // docker_gwbridge is a real name. This machine has none of these interfaces, and the error must say so.
  for (const name of ['no_such_if', 'no@such', 'no-such.7']) {
    t.throws(
      () => endpoint({ address: `fe80::1%${name}`, port: 7 }),
      { code: 'ENODEV', syscall: 'if_nametoindex' },
      name,
    )
  }
})

t.test('ports from 0 to 65535 are accepted', async (t) => {
  for (const port of [0, 1, 255, 256, 65535]) {
    const made = endpoint({ address: '192.0.2.7', port })
    t.equal(made.port, port)
    t.equal(new DataView(sockaddrWords(made).buffer).getUint16(2), port)
  }
})

t.test('an endpoint is returned as it is; an object with address and port becomes one', async (t) => {
  const made = endpoint({ address: '192.0.2.7', port: 53 })
  t.equal(endpoint(made), made)
  const remoteInfo = { address: '192.0.2.7', family: 'IPv4', port: 53, size: 7 }
  t.ok(endpoint(remoteInfo).equals(made), 'the rinfo of node:dgram is accepted')
  t.ok(endpoint(remoteInfo) instanceof Endpoint)
})

t.test('equals compares address, port, family and zone', async (t) => {
  const of = (address: string, port: number) => endpoint({ address, port })
  const one = of('192.0.2.7', 53)
  t.ok(one.equals(one))
  t.ok(one.equals(of('192.0.2.7', 53)))
  t.notOk(one.equals(of('192.0.2.7', 54)))
  t.notOk(one.equals(of('192.0.2.8', 53)))
  t.notOk(one.equals(of('::ffff:192.0.2.7', 53)))
  t.ok(of('2001:db8::7', 53).equals(of('2001:DB8:0:0::7', 53)))
  t.notOk(of('fe80::1%1', 53).equals(of('fe80::1%2', 53)))
})

const wrongType = { type: TypeError, code: 'ERR_INVALID_ARG_TYPE' } as const
const wrongValue = { type: TypeError, code: 'ERR_INVALID_ARG_VALUE' } as const
const badPort = { type: RangeError, code: 'ERR_SOCKET_BAD_PORT' } as const

function made(from: unknown): () => unknown {
  return () => endpoint(from as EndpointLike)
}

function fromAddress(address: unknown): () => unknown {
  return made({ address, port: 1 })
}

function fromPort(port: unknown): () => unknown {
  return made({ address: '192.0.2.7', port })
}

function notNumeric(address: string): Misuse {
  const message = 'address must be a numeric IPv4 or IPv6 address (resolve host names first); received type string'
  return { what: address, act: fromAddress(address), ...wrongValue, message: `${message} ('${address}')` }
}

t.test('a value that is no endpoint is rejected', async (t) => {
  const must = 'endpoint must be { address, port }; received'
  rejects(t, [
    { what: 'nothing', act: made(undefined), ...wrongType, message: `${must} undefined` },
    { what: 'null', act: made(null), ...wrongType, message: `${must} null` },
    { what: 'text', act: made('1.2.3.4:5'), ...wrongType, message: `${must} type string ('1.2.3.4:5')` },
    { what: 'a port alone', act: made(53), ...wrongType, message: `${must} type number (53)` },
  ])
})

t.test('an invalid address is rejected', async (t) => {
  const unfit = 'address must not be empty or contain a NUL character'
  rejects(t, [
    { what: 'none', act: made({ port: 1 }), ...wrongType, message: 'address must be a string; received undefined' },
    { what: '7', act: fromAddress(7), ...wrongType, message: 'address must be a string; received type number (7)' },
    { what: 'empty', act: fromAddress(''), ...wrongValue, message: unfit },
    { what: 'NUL', act: fromAddress('1.2.3.4\0'), ...wrongValue, message: unfit },
    notNumeric('localhost'),
    notNumeric('192.0.2'),
    notNumeric('192.0.2.256'),
    notNumeric('192.0.2.07'),
    notNumeric(' 192.0.2.7'),
    notNumeric('192.0.2.7:53'),
    notNumeric('192.0.2.7%lo'),
    notNumeric('[2001:db8::7]'),
    notNumeric('2001:db8::7::'),
    notNumeric('fe80::1%'),
  ])
})

t.test('an invalid port is rejected', async (t) => {
  const must = 'port must be an integer from 0 to 65535; received'
  rejects(t, [
    { what: 'none', act: made({ address: '192.0.2.7' }), ...badPort, message: `${must} undefined` },
    { what: '-1', act: fromPort(-1), ...badPort, message: `${must} type number (-1)` },
    { what: '65536', act: fromPort(65536), ...badPort, message: `${must} type number (65536)` },
    { what: '1.5', act: fromPort(1.5), ...badPort, message: `${must} type number (1.5)` },
    { what: 'text', act: fromPort('53'), ...badPort, message: `${must} type string ('53')` },
    { what: 'NaN', act: fromPort(Number.NaN), ...badPort, message: `${must} type number (NaN)` },
  ])
})

t.test('a sockaddr from the kernel becomes an endpoint with its own memory', async (t) => {
  const from = endpoint({ address: '192.0.2.7', port: 53 })
  const memory = new Uint32Array(8)
  memory.set(sockaddrWords(from), 2)
  const found = endpointFromSockaddr(new DataView(memory.buffer), 8, 16)
  memory.fill(0)
  t.ok(found?.equals(from))
  t.equal(found?.toString(), '192.0.2.7:53')
  t.equal(endpointFromSockaddr(new DataView(memory.buffer), 0, 16), undefined, 'unknown family')
})
