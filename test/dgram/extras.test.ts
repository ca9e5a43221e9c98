import { once } from 'node:events'
import { BlockList } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import dgram from '../../src/dgram/index.js'
import { stateOf } from '../../src/dgram/node-socket.js'
import { BatchConn } from '../../src/index.js'
import { bound, messages, until } from './support.js'

t.test('extra: send to a target with options, and the requested fields of rinfo', async (t) => {
  const receiver = await bound(t, { recvTos: true, recvTtl: true, recvDestination: true })
  const sender = await bound(t)
  const heard = once(receiver, 'message')
  sender.send('marked', { port: receiver.address().port, ecn: 2, ttl: 9, source: '127.0.0.1' })
  const [bytes, info] = await heard
  t.equal(bytes.toString(), 'marked')
  t.match(info, { size: 6, tos: 2, ecn: 2, ttl: 9, destination: '127.0.0.1' })
  t.throws(() => sender.send('x', { port: 9, address: 'localhost' }), { code: 'ERR_INVALID_ARG_VALUE' })
  t.throws(() => sender.send('x', { port: 9, ttl: 300 }), { code: 'ERR_OUT_OF_RANGE' })
})

t.test('extra: sendMany sends a list of messages, and the batch event delivers batches', async (t) => {
  const receiver = await bound(t)
  const sender = await bound(t)
  const seen: string[] = []
  receiver.on('batch', (batch) => {
    for (const { bytes } of batch) seen.push(bytes.toString())
  })
  const sent = await new Promise((resolve, reject) => {
    const target = { port: receiver.address().port, address: '127.0.0.1' }
    sender.sendMany(['a', Buffer.from('bb'), 'ccc'], target, (error, bytes) => (error ? reject(error) : resolve(bytes)))
  })
  t.equal(sent, 6)
  await until(() => seen.length === 3)
  t.strictSame(seen, ['a', 'bb', 'ccc'])
  await new Promise<void>((resolve) => sender.sendMany([], {}, () => resolve()))
})

t.test('receiveBlockList and reusePort work on every Node version', async (t) => {
  const receiveBlockList = new BlockList()
  receiveBlockList.addAddress('127.0.0.5')
  const receiver = await bound(t, { receiveBlockList, reusePort: true })
  const seen = messages(receiver)
  const second = dgram.createSocket({ type: 'udp4', reusePort: true })
  second.bind(receiver.address().port, '127.0.0.1')
  await once(second, 'listening')
  second.close()
  for (const address of ['127.0.0.5', '127.0.0.6']) {
    const sender = dgram.createSocket('udp4')
    sender.bind(0, address)
    await once(sender, 'listening')
    sender.send(address, receiver.address().port, '127.0.0.1')
    await sleep(10)
    sender.close()
  }
  await until(() => seen.length > 0)
  t.strictSame(seen, ['127.0.0.6'])
})

t.test('sendBlockList works on every Node version', async (t) => {
  const sendBlockList = new BlockList()
  sendBlockList.addAddress('127.0.0.5')
  const receiver = await bound(t)
  const sender = await bound(t, { sendBlockList })
  const seen = messages(receiver)
  const { port } = receiver.address()
  const send = (address: string) => new Promise((resolve) => sender.send(address, port, address, resolve))
  t.match(await send('127.0.0.5'), { code: 'ERR_IP_BLOCKED' })
  t.equal(await send('127.0.0.1'), null)
  await until(() => seen.length > 0)
  t.strictSame(seen, ['127.0.0.1'])
})

t.test('extra: sends to a target obey the block list, accept any view, and keep the order of sends', async (t) => {
  const sendBlockList = new BlockList()
  sendBlockList.addAddress('127.0.0.5')
  const receiver = await bound(t)
  const seen = messages(receiver)
  const { port } = receiver.address()
  const sender = await bound(t, { sendBlockList })
  const blocked = new Promise((resolve) => sender.send('x', { port, address: '127.0.0.5' }, resolve))
  t.match(await blocked, { code: 'ERR_IP_BLOCKED' })
  const sentMany = new Promise((resolve) => sender.sendMany(['x', 'y'], { port, address: '127.0.0.5' }, resolve))
  t.match(await sentMany, { code: 'ERR_IP_BLOCKED' })

  const other = await bound(t)
  other.send(new Uint8Array([0x30]).subarray(0), port, '127.0.0.1')
  other.send(new DataView(new Uint8Array([0x31]).buffer), port, '127.0.0.1')
  const changing = Buffer.from('2')
  other.send(changing, { port, address: '127.0.0.1' })
  changing.fill('X')
  other.send(new DataView(new Uint8Array([0x33]).buffer), { port, address: '127.0.0.1' })
  other.sendMany([new Uint16Array([0x3434])], { port, address: '127.0.0.1' })
  await until(() => seen.length === 5)
  t.strictSame(seen, ['0', '1', '2', '3', '44'])
})

t.test('extra: a target on an unbound socket: sent by Node, but not with options of the message', async (t) => {
  const receiver = await bound(t)
  const seen = messages(receiver)
  const target = { port: receiver.address().port, address: '127.0.0.1' }
  const sender = dgram.createSocket('udp4')
  t.teardown(() => sender.close())
  t.throws(() => sender.send('with options', { ...target, ttl: 3 }), { code: 'ERR_INVALID_STATE' })
  sender.send('without', target)
  await until(() => seen.length === 1)
  t.strictSame(seen, ['without'])
})

t.test('ref and unref show in the active resources of the process', async (t) => {
  const active = () => process.getActiveResourcesInfo().filter((name) => name === 'UDPWrap').length
  const before = active()
  const socket = await bound(t)
  t.equal(active(), before + 1)
  socket.unref()
  t.equal(active(), before)
  socket.ref()
  t.equal(active(), before + 1)
})

t.test('extra: sendMany sends to the connected peer', async (t) => {
  const receiver = await bound(t)
  const seen = messages(receiver)
  const sender = await bound(t)
  sender.connect(receiver.address().port, '127.0.0.1')
  await once(sender, 'connect')
  const bytes = await new Promise((resolve) => sender.sendMany(['a', 'bb'], undefined, (_, sent) => resolve(sent)))
  t.equal(bytes, 3)
  await until(() => seen.length === 2)
})

// With a setting other than the default, datagrams are lost where a route's MTU is locked, because the default clears
// DF there.
t.test("the kernel's default decides whether a datagram may be fragmented", async (t) => {
  const socket = await bound(t)
  await new Promise((resolve) => socket.send('x', socket.address().port, '127.0.0.1', resolve))
  const conn = BatchConn.adopt(stateOf(socket)?.handle?.fd ?? -1)
  t.equal(conn.options.mtuDiscover, 'want')
  conn.release()
})
