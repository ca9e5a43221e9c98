import { once } from 'node:events'
import { BlockList } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import dgram from '../../src/dgram/index.js'
import { bound, messages, until } from './support.js'

t.test('extra: a target with options, and rinfo with what was asked for', async (t) => {
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

t.test('extra: sendMany and the event batch', async (t) => {
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

t.test('receiveBlockList and reusePort, on every Node version', async (t) => {
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

t.test('sendBlockList, on every Node version', async (t) => {
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
