import { networkInterfaces } from 'node:os'
import t from 'tap'
import { SendBatch } from '../../src/index.js'
import { AF_INET, AF_INET6, POLLIN } from '../../src/libc/constants.js'
import { addressOf, libc } from '../../src/libc/libc.js'
import { Arena } from '../../src/memory/arena.js'
import { nativeBytes } from '../support/native-memory.js'
import { boundSocket } from '../support/sockets.js'

t.test('the functions are declared once', async (t) => {
  t.equal(libc(), libc())
})

t.test('addressOf returns the address of the first byte, offset included', async (t) => {
  const bytes = Uint8Array.from({ length: 64 }, (_, index) => index)
  t.same(nativeBytes(addressOf(bytes), 64), Buffer.from(bytes))
  t.equal(addressOf(bytes.subarray(7)), addressOf(bytes) + 7)
  t.equal(addressOf(new DataView(bytes.buffer, 5)), addressOf(bytes) + 5)
  t.ok(Number.isSafeInteger(addressOf(bytes)))
})

t.test('inet_pton and inet_ntop convert addresses in both directions', async (t) => {
  const { slabs, bytes } = new Arena({ numeric: 16, text: 64 })
  const { numeric, text } = slabs
  const table: [family: number, address: string, hex: string][] = [
    [AF_INET, '192.0.2.7', 'c0000207'],
    [AF_INET6, '2001:db8::7', '20010db8000000000000000000000007'],
  ]
  for (const [family, address, hex] of table) {
    t.equal(libc().inet_pton(family, address, numeric.address), 1)
    t.equal(bytes.toString('hex', numeric.offset, numeric.offset + hex.length / 2), hex)
    t.equal(libc().inet_ntop(family, numeric.address, text.address, 64), text.address)
    t.equal(bytes.toString('latin1', text.offset, text.offset + address.length + 1), `${address}\0`)
  }
  t.equal(libc().inet_pton(AF_INET, '192.0.2.', numeric.address), 0)
})

t.test('if_nametoindex and if_indextoname convert interfaces in both directions', async (t) => {
  const [name] = Object.keys(networkInterfaces())
  const { slabs, bytes } = new Arena({ text: 64 })
  const index = libc().if_nametoindex(name)
  t.ok(index > 0)
  t.equal(libc().if_indextoname(index, slabs.text.address), slabs.text.address)
  t.equal(bytes.toString('latin1', slabs.text.offset, slabs.text.offset + name.length + 1), `${name}\0`)
  t.equal(libc().if_nametoindex('no-such-if'), 0)
  t.equal(libc().if_indextoname(2 ** 31 - 1, slabs.text.address), 0)
})

t.test('poll reports no event, then a datagram', async (t) => {
  using conn = boundSocket()
  const { slabs, view } = new Arena({ pollfd: libc().structs.pollfd.bytes })
  const { fd, events, revents } = libc().structs.pollfd
  const { offset, address } = slabs.pollfd
  view.setInt32(offset + fd, conn.fd, true)
  view.setInt16(offset + events, POLLIN, true)
  t.equal(libc().poll(address, 1, 0), 0)

  const out = new SendBatch({ capacity: 1 })
  out.append('hello', conn.localAddress)
  t.equal(conn.send(out), 1)
  t.equal(libc().poll(address, 1, 1000), 1)
  t.equal(view.getInt16(offset + revents, true), POLLIN)
})
