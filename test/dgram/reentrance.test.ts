import nodeDgram from 'node:dgram'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { Socket } from '../../src/dgram/index.js'
import { runChild } from '../support/child.js'
import { bound, kernelThatAccepts, messages, uncaught, until } from './support.js'

// Callbacks and listeners that call back into the code that calls them: they send, close or throw.

const HERE = '127.0.0.1'

/**
 * Runs `work` in a message listener while a second message is queued: ticks run before the messages that it sends are
 * flushed.
 */
async function inListener(t: Test, work: (socket: Socket) => void): Promise<Socket> {
  const socket = await bound(t)
  const feeder = nodeDgram.createSocket('udp4')
  t.teardown(() => feeder.close())
  socket.once('message', () => work(socket))
  socket.on('message', () => {})
  for (const text of ['first', 'second']) feeder.send(text, socket.address().port, HERE)
  await once(socket, 'message')
  return socket
}

t.test('a callback sends during a flush: every callback is called once, and none of another socket', async (t) => {
  const receiver = await bound(t, { recvBufferSize: 4 << 20 })
  const seen = messages(receiver)
  const { port } = receiver.address()
  const called = new Array<number>(257).fill(0)
  await inListener(t, (socket) => {
    for (let index = 0; index < 256; index += 1) {
      socket.send(`x${index}`, port, HERE, () => {
        called[index] += 1
        if (index === 0) socket.send('again', port, HERE, () => called.splice(256, 1, called[256] + 1))
      })
    }
  })
  await until(() => seen.length === 257 && called.every((count) => count > 0))
  const other = await bound(t)
  for (let index = 0; index < 10; index += 1) other.send('other', port, HERE)
  await until(() => seen.length === 267)
  t.ok(called.every((count) => count === 1))
})

t.test('a callback closes its socket while a message fails: other sockets send only their own messages', async (t) => {
  const receiver = await bound(t)
  const from: string[] = []
  receiver.on('message', (bytes, { port }) => from.push(`${bytes} from ${port}`))
  const { port } = receiver.address()
  await inListener(t, (socket) => {
    socket.send('0', port, HERE)
    socket.send(Buffer.alloc(70_000), port, HERE, () => socket.close())
    socket.send('2', port, HERE)
  })
  await until(() => from.length === 2)
  const [a, b] = [await bound(t), await bound(t)]
  a.send('a', port, HERE)
  b.send('b', port, HERE)
  await until(() => from.length === 4)
  t.strictSame(from.slice(2).sort(), [`a from ${a.address().port}`, `b from ${b.address().port}`])
})

t.test('a callback that throws does not delay the messages of other sockets', async (t) => {
  const errors = uncaught(t)
  const receiver = await bound(t)
  const seen = messages(receiver)
  const { port } = receiver.address()
  const other = await bound(t)
  const called: string[] = []
  const socket = await inListener(t, (socket) => {
    socket.send('s0', port, HERE, () => {
      throw new Error('from the callback')
    })
    socket.send('s1', port, HERE, () => called.push('s1'))
    other.send('o0', port, HERE, () => called.push('o0'))
  })
  await until(() => called.length === 2)
  socket.send('s2', port, HERE)
  other.send('o1', port, HERE)
  await until(() => seen.length === 5)
  t.strictSame(seen.sort(), ['o0', 'o1', 's0', 's1', 's2'])
  t.match(errors, [{ message: 'from the callback' }])
})

t.test('a callback closes the blocked socket: each callback is called once', async (t) => {
  const socket = await bound(t, { gso: false })
  const budget = kernelThatAccepts(t, 0)
  const results: string[] = []
  for (let index = 0; index < 6; index += 1) {
    socket.send(`x${index}`, 9, HERE, (error) => {
      results.push(`${index}:${(error as NodeJS.ErrnoException | null)?.code ?? 'ok'}`)
      if (index === 0) socket.close()
    })
  }
  await sleep(5)
  budget.left = 3
  await until(() => results.length >= 6)
  await sleep(20)
  t.strictSame(results, ['0:ok', '1:ok', '2:ok', '3:ECANCELED', '4:ECANCELED', '5:ECANCELED'])
})

t.test('close calls the callbacks of discarded messages after it returned, also if a callback throws', async (t) => {
  const errors = uncaught(t)
  const socket = await bound(t)
  kernelThatAccepts(t, 0)
  const called: string[] = []
  socket.send('0', 9, HERE, () => {
    called.push('0')
    throw new Error('in a callback')
  })
  socket.send('1', 9, HERE, () => called.push('1'))
  await sleep(5)
  socket.close()
  t.strictSame(called, [])
  await once(socket, 'close')
  t.strictSame(called, ['0', '1'])
  t.match(errors, [{ message: 'in a callback' }])
})

t.test("the queue's size and count exclude sent messages; the number of short messages is limited too", async (t) => {
  const socket = await bound(t, { gso: false })
  const budget = kernelThatAccepts(t, 0)
  for (let index = 0; index < 10; index += 1) socket.send(Buffer.alloc(1400), 9, HERE)
  await sleep(5)
  t.strictSame([socket.getSendQueueCount(), socket.getSendQueueSize()], [10, 14_000])
  budget.left = 9
  await until(() => budget.left === 0)
  t.strictSame([socket.getSendQueueCount(), socket.getSendQueueSize()], [1, 1400])
  const codes = new Set<unknown>()
  for (let index = 0; index < 20_000; index += 1) {
    socket.send('', 9, HERE, (error) => codes.add((error as NodeJS.ErrnoException | null)?.code))
  }
  t.equal(socket.getSendQueueCount(), 16_384)
  await sleep(5)
  t.strictSame([...codes], ['ENOBUFS'])
})

t.test('connected: messages sent before the peer changes go to the previous peer', async (t) => {
  const [a, b] = [await bound(t), await bound(t)]
  const [atA, atB] = [messages(a), messages(b)]
  const sender = await bound(t)
  sender.connect(a.address().port, HERE)
  await once(sender, 'connect')
  const sent = new Promise((resolve) => sender.send('before', resolve))
  sender.disconnect()
  t.equal(await sent, null)
  sender.connect(a.address().port, HERE)
  await once(sender, 'connect')
  sender.once('message', () => {
    sender.send('for a')
    sender.disconnect()
    sender.connect(b.address().port, HERE, () => sender.send('for b'))
  })
  for (const text of ['1', '2']) a.send(text, sender.address().port, HERE)
  await until(() => atB.length === 1)
  t.strictSame([atA, atB], [['before', 'for a'], ['for b']])
})

t.test('an exception in a tick between two messages is uncaught, and the other messages are delivered', async (t) => {
  const handled = await runChild('throwing-tick', { args: ['handled'] })
  t.match(handled, { code: 0, stdout: '1\n2\nuncaught a tick\n3\n4\n5\n', stderr: '' })
  const unhandled = await runChild('throwing-tick')
  t.match(unhandled, { code: 1, stdout: '1\n2\n', stderr: /^Error: a tick\n {4}at / })
})

t.test('one listener at a time receives every message, however many are queued', async (t) => {
  const receiver = await bound(t, { gro: false, recvBufferSize: 4 << 20 })
  const feeder = await bound(t)
  let received = 0
  receiver.on('message', () => {
    received += 1
  })
  let awaited = 0
  void (async () => {
    for (;;) {
      await once(receiver, 'message')
      awaited += 1
    }
  })()
  for (let index = 0; index < 400; index += 1) feeder.send(String(index), receiver.address().port, HERE)
  await until(() => received === 400)
  await sleep(5)
  t.equal(awaited, 400)
})

t.test('a list whose element closes the socket: the message does not leave through another socket', async (t) => {
  const receiver = await bound(t)
  const from: string[] = []
  receiver.on('message', (bytes, { port }) => from.push(`${bytes} from ${port}`))
  const { port } = receiver.address()
  const [closing, other] = [await bound(t), await bound(t)]
  const list = ['outer']
  let reads = 0
  Object.defineProperty(list, 0, {
    get: () => {
      reads += 1
      if (reads === 2) {
        closing.close()
        other.send('other', port, HERE)
      }
      return 'outer'
    },
  })
  closing.send('first', port, HERE)
  closing.send(list, port, HERE)
  const otherPort = other.address().port
  if (reads < 2) other.send('other', port, HERE)
  await until(() => from.includes(`other from ${otherPort}`))
  t.equal(from.includes(`outer from ${otherPort}`), false)
})
