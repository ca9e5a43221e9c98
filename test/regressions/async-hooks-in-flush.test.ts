import { createHook } from 'node:async_hooks'
import nodeDgram from 'node:dgram'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { Socket } from '../../src/dgram/index.js'
import { bound, messages, until } from '../dgram/support.js'

// An async hook runs user code wherever a tick is scheduled: when a flush is scheduled, and in the middle of one. It may send,
// close or disconnect there.

/** Calls `work` when the next tick is scheduled. */
function atNextTick(t: Test, work: () => void): void {
  // `disable` has no effect while the hook runs.
  let isDone = false
  const hook = createHook({
    init(_id, type) {
      if (isDone || type !== 'TickObject') return
      isDone = true
      hook.disable()
      work()
    },
  }).enable()
  t.teardown(() => hook.disable())
}

/** Sends 200 messages to ports in turn, in a message listener. Calls `work` in the hook of the tick of the first result. */
async function inFlush(t: Test, sender: Socket, ports: readonly number[], work: () => void): Promise<string[]> {
  const results: string[] = []
  sender.once('message', () => {
    for (let index = 0; index < 200; index += 1) {
      sender.send(`${index}`, ports[index % ports.length], '127.0.0.1', (error) => {
        results.push(error === null ? `${index}` : `${index} ${Reflect.get(error, 'code')}`)
      })
    }
    // The ticks of these sends run first; then the next one belongs to a result of the flush.
    process.nextTick(() => atNextTick(t, work))
  })
  sender.on('message', () => {})
  const feeder = nodeDgram.createSocket('udp4')
  t.teardown(() => feeder.close())
  for (const text of ['first', 'second']) feeder.send(text, sender.address().port, '127.0.0.1')
  await once(sender, 'message')
  return results
}

t.test('an async hook sends during a flush: each message arrives once, each callback runs once', async (t) => {
  const [sender, receiver] = [await bound(t), await bound(t)]
  const seen = messages(receiver)
  const { port } = receiver.address()
  const results = await inFlush(t, sender, [port], () => {
    // More than the rest of a batch, so that a full one is flushed within the flush.
    for (let index = 200; index < 600; index += 1) {
      sender.send(`${index}`, port, '127.0.0.1', () => results.push(`${index}`))
    }
  })
  const expected = Array.from({ length: 600 }, (_, index) => `${index}`)
  await until(() => seen.length >= 600 && results.length >= 600)
  t.strictSame(seen, expected)
  t.strictSame(results, expected)
  t.strictSame([sender.getSendQueueCount(), sender.getSendQueueSize()], [0, 0])
  const [a, b] = [await bound(t), await bound(t)]
  for (const [socket, text] of [
    [a, 'a'],
    [b, 'b'],
  ] as const) {
    for (let index = 0; index < 3; index += 1) socket.send(`${text}${index}`, port, '127.0.0.1')
  }
  await until(() => seen.length === 606)
  t.strictSame(seen.slice(600), ['a0', 'a1', 'a2', 'b0', 'b1', 'b2'], 'no batch is in use twice')
})

t.test('an async hook closes the socket during a flush: each callback runs once', async (t) => {
  for (const count of [1, 2]) {
    const [sender, ...receivers] = [await bound(t), await bound(t), await bound(t)]
    const ports = receivers.slice(0, count).map((socket) => socket.address().port)
    const results = await inFlush(t, sender, ports, () => sender.close())
    await until(() => results.length >= 200)
    // A further callback would follow soon.
    await sleep(20)
    // The hook of the first result runs before its tick is queued, so that callback may come last.
    t.strictSame(
      results.map(Number).sort((one, other) => one - other),
      Array.from({ length: 200 }, (_, index) => index),
    )
  }
})

t.test(
  'an async hook of the first send of a tick sends from this socket and another: neither is forgotten',
  async (t) => {
    const [receiver, a, b, c] = [await bound(t), await bound(t), await bound(t), await bound(t)]
    const seen = messages(receiver)
    const send = (socket: Socket, text: string) => socket.send(text, receiver.address().port, '127.0.0.1')
    atNextTick(t, () => {
      send(a, 'a in the hook')
      send(b, 'b in the hook')
    })
    send(a, 'a')
    send(c, 'c')
    await until(() => seen.length === 4)
    send(b, 'b later')
    await until(() => seen.length === 5)
    t.strictSame(seen.toSorted(), ['a', 'a in the hook', 'b in the hook', 'b later', 'c'])
  },
)

t.test('an async hook disconnects where an event is published: the length of the queue stays right', async (t) => {
  const [receiver, sender] = [await bound(t), await bound(t)]
  const seen = messages(receiver)
  const { port } = receiver.address()
  const onSend = () => {}
  subscribe('batchconn.send', onSend)
  t.teardown(() => unsubscribe('batchconn.send', onSend))
  sender.connect(port, '127.0.0.1')
  await once(sender, 'connect')
  const results: unknown[] = []
  for (let index = 0; index < 5; index += 1) sender.send('before', (error) => results.push(error))
  atNextTick(t, () => sender.disconnect())
  await until(() => results.length === 5)
  t.strictSame([sender.getSendQueueCount(), sender.getSendQueueSize(), sender.stats.canceledMessages], [0, 0, 0])
  sender.send('after', port, '127.0.0.1')
  await until(() => seen.length === 6)
  t.strictSame(results, [null, null, null, null, null])
})
