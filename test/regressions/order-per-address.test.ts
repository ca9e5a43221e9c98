import nodeDgram from 'node:dgram'
import t from 'tap'
import { type Endpoint, endpoint, SendBatch } from '../../src/index.js'
import { bound, messages, until } from '../dgram/support.js'
import { boundSocket, drain } from '../support/sockets.js'

// Two endpoint objects can have the same address. Messages to one address keep their order all the same.

t.test('coalesce keeps the order of messages to one address, whatever their endpoint objects', async (t) => {
  using conn = boundSocket()
  const copy = (): Endpoint => endpoint(conn.localAddress.toJSON())
  const [one, two] = [copy(), copy()]
  const out = new SendBatch({ capacity: 8, slotBytes: 8, coalesce: true })
  for (const [text, to] of [
    ['a', one],
    ['b', two],
    ['c', one],
    ['d', copy()],
    ['e', two],
  ] as const) {
    out.append(text, to)
  }
  conn.send(out)
  t.strictSame(
    drain(conn).map(({ text }) => text),
    ['a', 'b', 'c', 'd', 'e'],
  )
})

t.test('batchconn/dgram: one IPv6 address written in two ways', async (t) => {
  const receiver = await bound(t, { type: 'udp6' })
  const seen = messages(receiver)
  const sender = await bound(t, { type: 'udp6' })
  const { port } = receiver.address()
  for (const [text, address] of [
    ['a', '::1'],
    ['b', '0::1'],
    ['c', '::1'],
  ]) {
    sender.send(text, port, address)
  }
  await until(() => seen.length === 3)
  t.strictSame(seen, ['a', 'b', 'c'])
})

t.test("batchconn/dgram: a listener that mixes forms of send, of which one goes through Node's own code", async (t) => {
  const receiver = await bound(t)
  const seen = messages(receiver)
  const { port } = receiver.address()
  const sender = await bound(t)
  let count = 0
  sender.on('message', () => {
    count += 1
    const bytes = Buffer.from(String(count))
    if (count % 2 === 0) sender.send(bytes, 0, bytes.length, port, '127.0.0.1')
    else sender.send(bytes, port, '127.0.0.1')
  })
  const feeder = nodeDgram.createSocket('udp4')
  t.teardown(() => feeder.close())
  for (let index = 0; index < 9; index += 1) feeder.send('go', sender.address().port, '127.0.0.1')
  await until(() => seen.length === 9)
  t.strictSame(seen, ['1', '2', '3', '4', '5', '6', '7', '8', '9'])
})
