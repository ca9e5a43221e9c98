import { once } from 'node:events'
import { setImmediate as nextIteration } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { Socket } from '../../src/dgram/index.js'
import type { BatchConn } from '../../src/index.js'
import { boundSocket, drain } from '../support/sockets.js'
import { bound, kernelThatAccepts, messages, until } from './support.js'

/** A socket that has sent one message in each of eight ticks, and what has arrived of what it sends. */
async function singleSender(t: Test): Promise<{ socket: Socket; port: number; arrived: () => string[] }> {
  const receiver = boundSocket()
  t.teardown(() => receiver.close())
  const socket = await bound(t)
  const { port } = receiver.localAddress
  for (let tick = 0; tick < 8; tick += 1) {
    socket.send(Buffer.from('earlier'), port, '127.0.0.1')
    t.strictSame(arrivedAt(receiver), [], 'queued until the end of the tick')
    await nextIteration()
    t.strictSame(arrivedAt(receiver), ['earlier'])
  }
  return { socket, port, arrived: () => arrivedAt(receiver) }
}

function arrivedAt(receiver: BatchConn): string[] {
  return drain(receiver).map(({ text }) => text)
}

t.test('a socket with one message per tick sends it within the call', async (t) => {
  const { socket, port, arrived } = await singleSender(t)
  let result: unknown
  socket.send(Buffer.from('now'), port, '127.0.0.1', (...args) => {
    result = args
  })
  t.strictSame(arrived(), ['now'])
  t.equal(socket.getSendQueueCount(), 0)
  t.equal(result, undefined, 'the callback runs in a later tick')
  await nextIteration()
  t.strictSame(result, [null, 3])
  t.match(socket.stats, { sendCalls: 9, sentMessages: 9, sentDatagrams: 9, queueMessages: 0 })
})

t.test('further messages of the tick are sent together, in order, and so are those of the next tick', async (t) => {
  const { socket, port, arrived } = await singleSender(t)
  const completed: string[] = []
  const sendAll = (names: readonly string[]) => {
    for (const name of names) socket.send(Buffer.from(name), port, '127.0.0.1', () => completed.push(name))
  }
  sendAll(['a', 'b', 'c', 'd'])
  t.strictSame(arrived(), ['a'])
  t.equal(socket.getSendQueueCount(), 3)
  await nextIteration()
  t.strictSame(arrived(), ['b', 'c', 'd'])
  t.equal(socket.stats.sendCalls, 8 + 2)
  sendAll(['e', 'f'])
  t.strictSame(arrived(), [], 'the socket sends several messages per tick again')
  await nextIteration()
  t.strictSame(arrived(), ['e', 'f'])
  t.strictSame(completed, ['a', 'b', 'c', 'd', 'e', 'f'])
})

t.test('text, lists and large messages are queued as before', async (t) => {
  const { socket, port, arrived } = await singleSender(t)
  for (const message of ['text', [Buffer.from('a '), 'list'], Buffer.alloc(1473, 'x')]) {
    socket.send(message, port, '127.0.0.1')
    t.strictSame(arrived(), [])
    await nextIteration()
    t.strictSame(arrived(), [Buffer.concat([message].flat().map((piece) => Buffer.from(piece))).toString()])
  }
})

t.test('a message that the kernel does not accept at once is queued, and arrives once', async (t) => {
  const { socket, port, arrived } = await singleSender(t)
  const budget = kernelThatAccepts(t, 0)
  const sent = new Promise((resolve) => socket.send(Buffer.from('late'), port, '127.0.0.1', (...args) => resolve(args)))
  t.equal(socket.getSendQueueCount(), 1)
  await nextIteration()
  socket.send(Buffer.from('later'), port, '127.0.0.1')
  t.strictSame(arrived(), [])
  budget.left = 10
  t.strictSame(await sent, [null, 4])
  await until(() => socket.getSendQueueCount() === 0)
  t.strictSame(arrived(), ['late', 'later'])
  t.match(socket.stats, { sentMessages: 10, failedMessages: 0, queueMessages: 0 })
})

t.test('a message that fails has its error, and the next one is sent', async (t) => {
  const { socket, port, arrived } = await singleSender(t)
  // Broadcasting is not permitted without the socket option.
  const error = await new Promise((resolve) => socket.send(Buffer.from('x'), port, '255.255.255.255', resolve))
  t.match(error, { code: 'EACCES', syscall: 'send', address: '255.255.255.255', port })
  socket.send(Buffer.from('next'), port, '127.0.0.1')
  t.strictSame(arrived(), ['next'])
  t.match(socket.stats, { sentMessages: 9, failedMessages: 1 })
})

t.test('detached memory is refused, and the socket goes on', async (t) => {
  const { socket, port, arrived } = await singleSender(t)
  const payload = new Uint8Array(8)
  structuredClone(payload, { transfer: [payload.buffer] })
  t.throws(() => socket.send(payload, port, '127.0.0.1'), { code: 'ERR_MEMORY_DETACHED' })
  socket.send(Buffer.from('next'), port, '127.0.0.1')
  t.strictSame(arrived(), ['next'])
})

t.test('answers of one loop iteration are sent together, although ticks run between the listeners', async (t) => {
  const server = await bound(t)
  server.on('message', (bytes, { port, address }) => server.send(bytes, port, address))
  const client = await bound(t)
  const answers = messages(client)
  const { port } = server.address()
  for (let request = 0; request < 9; request += 1) {
    client.send(`${request}`, port, '127.0.0.1')
    await once(client, 'message')
  }
  const { sendCalls } = server.stats
  for (let request = 9; request < 20; request += 1) client.send(`${request}`, port, '127.0.0.1')
  await until(() => answers.length === 20)
  t.strictSame(
    answers,
    Array.from({ length: 20 }, (_, request) => `${request}`),
  )
  t.equal(server.stats.sendCalls - sendCalls, 2, 'the first at once, the other ten together')
})
