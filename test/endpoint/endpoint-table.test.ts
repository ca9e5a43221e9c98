import t from 'tap'
import { type Endpoint, endpoint, sockaddrWords } from '../../src/endpoint/endpoint.js'
import { EndpointTable, isAt } from '../../src/endpoint/endpoint-table.js'

const ipv4 = endpoint({ address: '192.0.2.7', port: 53 })
const ipv6 = endpoint({ address: '2001:db8::7', port: 53 })

/** Memory with an endpoint's sockaddr at a word offset. */
function placed(from: Endpoint, at: number): Uint32Array {
  const words = new Uint32Array(40).fill(0xdead_beef)
  words.set(sockaddrWords(from), at)
  return words
}

function numbered(number: number): Endpoint {
  return endpoint({ address: `10.${number >>> 16}.${(number >>> 8) & 255}.${number & 255}`, port: 9 })
}

t.test('the same sockaddr gives the same object, wherever it is stored', async (t) => {
  for (const peer of [ipv4, ipv6]) {
    const table = new EndpointTable()
    const first = table.lookup(placed(peer, 0), 0, peer.byteLength)
    t.ok(first?.equals(peer), `${peer}`)
    t.equal(table.lookup(placed(peer, 0), 0, peer.byteLength), first)
    t.equal(table.lookup(placed(peer, 9), 9, peer.byteLength), first)
  }
})

t.test('the memory may start at any offset of its buffer', async (t) => {
  const table = new EndpointTable()
  const found = table.lookup(placed(ipv6, 9).subarray(5), 4, 28)
  t.equal(`${found}`, '[2001:db8::7]:53')
})

t.test('different addresses give different objects', async (t) => {
  const table = new EndpointTable()
  const peers = [
    ipv4,
    ipv6,
    endpoint({ address: '192.0.2.7', port: 54 }),
    endpoint({ address: '192.0.2.8', port: 53 }),
    endpoint({ address: 'fe80::1%1', port: 53 }),
    endpoint({ address: 'fe80::1%2', port: 53 }),
  ]
  const found = peers.map((peer) => table.lookup(placed(peer, 3), 3, peer.byteLength))
  t.equal(new Set(found).size, peers.length)
  for (const [index, peer] of peers.entries()) t.ok(found[index]?.equals(peer), `${peer}`)
})

t.test('an endpoint does not change with the memory it was read from', async (t) => {
  const words = placed(ipv4, 0)
  const found = new EndpointTable().lookup(words, 0, 16)
  words.fill(0)
  t.equal(`${found}`, '192.0.2.7:53')
})

t.test('an unknown address family gives undefined, each time', async (t) => {
  const table = new EndpointTable()
  const unix = placed(ipv4, 0)
  unix[0] = 1
  for (const length of [0, 1, 2, 15, 16, 28]) t.equal(table.lookup(unix, 0, length), undefined, `${length} bytes`)
  for (const length of [0, 1, 2, 15]) t.equal(table.lookup(placed(ipv4, 0), 0, length), undefined, `cut to ${length}`)
  t.equal(table.lookup(placed(ipv6, 0), 0, 27), undefined, 'cut IPv6')
})

t.test('up to the limit every peer keeps its object', async (t) => {
  const table = new EndpointTable(100)
  const lookup = (number: number) => table.lookup(placed(numbered(number), 0), 0, 16)
  const first = Array.from({ length: 100 }, (_, number) => lookup(number))
  const second = Array.from({ length: 100 }, (_, number) => lookup(number))
  t.equal(new Set(first).size, 100)
  t.ok(first.every((peer, number) => peer === second[number]))
})

t.test('beyond the limit the table drops entries, and its results stay correct', async (t) => {
  const table = new EndpointTable(10)
  const lookup = (number: number) => table.lookup(placed(numbered(number), 0), 0, 16)
  const early = lookup(0)
  for (let number = 1; number <= 10; number += 1) lookup(number)
  const late = lookup(0)
  t.not(late, early, 'the early entry was dropped: the table is bounded')
  t.ok(late?.equals(early as Endpoint))
  for (let number = 0; number < 1000; number += 1) {
    const found = lookup(number)
    if (!found?.equals(numbered(number))) t.fail(`${number} became ${found}`)
  }
  t.equal(lookup(999), lookup(999), 'new entries are still shared')
})

t.test('isAt compares length and words', async (t) => {
  t.ok(isAt(ipv4, placed(ipv4, 4), 4, 16))
  t.notOk(isAt(ipv4, placed(ipv4, 4), 3, 16))
  t.notOk(isAt(ipv4, placed(ipv4, 4), 4, 28))
  t.notOk(isAt(ipv4, placed(endpoint({ address: '192.0.2.7', port: 52 }), 4), 4, 16))
})
