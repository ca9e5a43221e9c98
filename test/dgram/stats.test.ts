import { once } from 'node:events'
import t from 'tap'
import dgram, { type DgramStats } from '../../src/dgram/index.js'
import { bound, kernelThatAccepts, messages, until } from './support.js'

/** Sum of the messages that `send` accepted. */
function accepted({ sentMessages, failedMessages, canceledMessages, queueMessages }: DgramStats): number {
  return sentMessages + failedMessages + canceledMessages + queueMessages
}

t.test('stats: plain numbers, 0 before bind, the last values after close', async (t) => {
  const socket = dgram.createSocket('udp4')
  t.equal(Object.getPrototypeOf(socket.stats), Object.prototype)
  t.strictSame([...new Set(Object.values(socket.stats))], [0])
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const sent = new Promise((resolve) => socket.send('x', socket.address().port, '127.0.0.1', resolve))
  await Promise.all([sent, once(socket, 'message')])
  const { stats } = socket
  t.match(stats, { sentMessages: 1, receivedDatagrams: 1, sentBytes: 1, receivedBytes: 1, maxQueuedMessages: 1 })
  socket.close()
  t.strictSame(socket.stats, stats)
})

t.test('stats: the queue of a tick, and what both ends have counted', async (t) => {
  const receiver = await bound(t)
  const sender = await bound(t)
  const seen = messages(receiver)
  const { port } = receiver.address()
  for (let index = 0; index < 100; index += 1) sender.send('four', port, '127.0.0.1')
  t.match(sender.stats, { queueMessages: 100, queueBytes: 400, maxQueuedMessages: 100, maxQueuedBytes: 400 })
  t.equal(sender.stats.queueMessages, sender.getSendQueueCount())
  t.equal(sender.stats.sendCalls, 0)
  await until(() => seen.length === 100)
  const { stats } = sender
  t.match(stats, { sentMessages: 100, sentDatagrams: 100, sentBytes: 400, queueMessages: 0, queueBytes: 0 })
  t.match(stats, { sendCalls: 1, datagramsPerSend: 100, gsoSends: 2, gsoSegments: 100, maxQueuedMessages: 100 })
  t.match(receiver.stats, { receivedDatagrams: 100, receivedBytes: 400, groBuffers: 2, groSegments: 100 })
})

t.test('stats: dropped, failed and canceled messages are distinguished, and none is missing', async (t) => {
  const budget = kernelThatAccepts(t, 0)
  const sender = await bound(t, { maxQueueMessages: 10, gso: false })
  const { port } = sender.address()
  const results: (string | null)[] = []
  const send = (text: string | Buffer) =>
    sender.send(text, port, '127.0.0.1', (error) => results.push((error as NodeJS.ErrnoException | null)?.code ?? null))
  for (let index = 0; index < 14; index += 1) send('x')
  await until(() => results.length === 4)
  t.strictSame([...new Set(results)], ['ENOBUFS'])
  t.match(sender.stats, { queueDrops: 4, queueMessages: 10, sentMessages: 0, maxQueuedMessages: 10 })
  t.ok(sender.stats.sendWouldBlock > 0)

  budget.left = 6
  await until(() => sender.stats.sentMessages === 6)
  send(Buffer.alloc(66_000))
  sender.close()
  await until(() => results.length === 15)
  const { stats } = sender
  const count = (code: string | null) => results.filter((result) => result === code).length
  t.match(stats, { sentMessages: count(null), canceledMessages: count('ECANCELED'), queueDrops: count('ENOBUFS') })
  t.strictSame([stats.sentMessages, stats.canceledMessages, stats.queueMessages], [6, 5, 0])
  t.equal(accepted(stats), 11)
})

t.test('stats: a message that the kernel rejects has failed', async (t) => {
  const sender = await bound(t)
  const { port } = sender.address()
  const send = (payload: Buffer) => new Promise((resolve) => sender.send(payload, port, '127.0.0.1', resolve))
  t.match(await send(Buffer.alloc(66_000)), { code: 'EMSGSIZE' })
  t.equal(await send(Buffer.alloc(10)), null)
  t.match(sender.stats, { failedMessages: 1, sentMessages: 1, sentBytes: 10 })
  t.equal(accepted(sender.stats), 2)
})
