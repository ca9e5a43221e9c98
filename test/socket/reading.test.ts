import { AsyncLocalStorage } from 'node:async_hooks'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { BatchConn, type Endpoint, RecvBatch, SendBatch } from '../../src/index.js'
import { batchesOf } from '../../src/socket/reading.js'
import { boundSocket, deadEndpoint } from '../support/sockets.js'

function send(sender: BatchConn, to: Endpoint | undefined, ...texts: string[]): void {
  const out = new SendBatch({ capacity: texts.length })
  for (const text of texts) out.append(text, to)
  sender.send(out)
}

/** Waits until a condition holds, at most five seconds. */
async function until(condition: () => boolean): Promise<void> {
  for (let attempt = 0; attempt < 500 && !condition(); attempt += 1) await sleep(10)
  if (!condition()) throw new Error('the condition did not become true in 5 s')
}

t.test('onReadable calls back once per batch, until it is closed', async (t) => {
  using receiver = boundSocket()
  using sender = BatchConn.open()
  const inbox = new RecvBatch()
  const seen: string[][] = []
  const reading = receiver.onReadable(inbox, (batch) => {
    t.equal(batch, inbox)
    seen.push([...batch].map(({ bytes }) => bytes.toString()))
  })
  send(sender, receiver.localAddress, 'a', 'b', 'c')
  await until(() => seen.length === 1)
  send(sender, receiver.localAddress, 'd')
  await until(() => seen.length === 2)
  t.strictSame(seen, [['a', 'b', 'c'], ['d']])
  t.throws(() => receiver.onReadable(inbox, () => {}), { code: 'ERR_INVALID_STATE' })
  reading.close()
  reading.close()
  send(sender, receiver.localAddress, 'e')
  await sleep(30)
  t.equal(seen.length, 2)
  receiver.onReadable(inbox, () => seen.push(['again']))
  await until(() => seen.length === 3)
})

t.test('the callback of onReadable may close the socket, or the reading', async (t) => {
  for (const what of ['socket', 'reading'] as const) {
    using receiver = boundSocket()
    using sender = BatchConn.open()
    let calls = 0
    const reading = receiver.onReadable(new RecvBatch({ capacity: 1 }), () => {
      calls += 1
      if (what === 'socket') receiver.close()
      else reading.close()
    })
    send(sender, receiver.localAddress, 'a', 'b', 'c')
    await until(() => calls > 0)
    await sleep(20)
    t.equal(calls, 1, what)
  }
})

t.test('onReadable rejects invalid arguments', (t) => {
  using conn = boundSocket()
  t.throws(() => conn.onReadable({} as never, () => {}), { code: 'ERR_INVALID_ARG_TYPE' })
  t.throws(() => conn.onReadable(new RecvBatch(), 5 as never), { code: 'ERR_INVALID_ARG_TYPE', message: /callback/ })
  conn.close()
  t.throws(() => conn.onReadable(new RecvBatch(), () => {}), { code: 'ERR_SOCKET_CLOSED' })
  t.end()
})

t.test('onReadable works beside readable(), each in its caller’s async context', async (t) => {
  using receiver = boundSocket()
  using sender = BatchConn.open()
  const storage = new AsyncLocalStorage<string>()
  const seen: (string | undefined)[] = []
  const waiting = storage.run('waiting', async () => {
    await receiver.readable()
    seen.push(storage.getStore())
  })
  storage.run('listening', () => receiver.onReadable(new RecvBatch(), () => seen.push(storage.getStore())))
  send(sender, receiver.localAddress, 'a')
  await waiting
  await until(() => seen.length === 2)
  t.strictSame(seen.sort(), ['listening', 'waiting'])
})

t.test(
  'an ICMP error is passed to onError, an exception of the callback is uncaught, and neither ends the reading',
  async (t) => {
    using receiver = BatchConn.open()
    const peer = deadEndpoint()
    receiver.connect(peer)
    const errors: unknown[] = []
    const uncaught: unknown[] = []
    const seen: string[] = []
    const onUncaught = (error: unknown) => uncaught.push(error)
    // tap has its own handler, which would fail the test.
    const handlers = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    process.on('uncaughtException', onUncaught)
    t.teardown(() => {
      process.removeListener('uncaughtException', onUncaught)
      for (const handler of handlers) process.on('uncaughtException', handler)
    })
    receiver.onReadable(
      new RecvBatch(),
      (batch) => {
        for (const { bytes } of batch) seen.push(bytes.toString())
        if (seen.length === 2) throw new Error('in the callback')
      },
      { onError: (error) => errors.push(error) },
    )
    send(receiver, undefined, 'x')
    await until(() => errors.length === 1)
    using other = BatchConn.open().bind(peer)
    send(other, receiver.localAddress, 'one')
    await until(() => seen.length === 1)
    send(other, receiver.localAddress, 'two')
    await until(() => uncaught.length === 1)
    send(other, receiver.localAddress, 'three')
    await until(() => seen.length === 3)
    t.match(errors, [{ code: 'ECONNREFUSED' }])
    t.match(uncaught, [{ message: 'in the callback' }])
    t.strictSame(seen, ['one', 'two', 'three'])
  },
)

t.test('batches yields received batches, and ends when the socket closes', async (t) => {
  using receiver = boundSocket()
  using sender = BatchConn.open()
  const seen: string[] = []
  const done = (async () => {
    for await (const batch of receiver.batches(new RecvBatch({ capacity: 2 }))) {
      for (const { bytes } of batch) seen.push(bytes.toString())
    }
    return 'ended'
  })()
  send(sender, receiver.localAddress, 'a', 'b', 'c')
  await until(() => seen.length === 3)
  send(sender, receiver.localAddress, 'd')
  await until(() => seen.length === 4)
  receiver.close()
  t.equal(await done, 'ended')
  t.strictSame(seen, ['a', 'b', 'c', 'd'])
})

t.test('batches: abort before, while waiting and during a flood; break leaves the socket usable', async (t) => {
  using receiver = boundSocket()
  using sender = BatchConn.open()
  const inbox = new RecvBatch()
  const controller = new AbortController()
  const waiting = receiver.batches(inbox, { signal: controller.signal }).next()
  setTimeout(() => controller.abort(new Error('enough')), 10)
  await t.rejects(waiting, { message: 'enough' })
  await t.rejects(receiver.batches(inbox, { signal: controller.signal }).next(), { message: 'enough' })
  for (const text of ['one', 'two']) {
    send(sender, receiver.localAddress, text)
    for await (const batch of receiver.batches(inbox)) {
      t.equal(batch.bytes(0).toString(), text)
      break
    }
  }
  t.throws(() => receiver.batches(inbox, { sginal: 1 } as never), { code: 'ERR_UNKNOWN_OPTION' })
})

t.test('during a flood, timers and other sockets are served', async (t) => {
  for (const way of ['onReadable', 'batches'] as const) {
    using flooded = boundSocket()
    using quiet = boundSocket()
    using sender = BatchConn.open()
    const out = new SendBatch({ capacity: 512, slotBytes: 8 })
    for (let index = 0; index < 512; index += 1) out.append('x', flooded.localAddress)
    const flood = () => {
      out.rewind()
      sender.send(out)
    }
    let datagrams = 0
    let heard = 0
    let timers = 0
    const take = (batch: RecvBatch) => {
      datagrams += batch.length
      // Sends as many datagrams as were received, so that the socket is never empty.
      if (datagrams % 512 < batch.length) flood()
    }
    flood()
    flood()
    if (way === 'onReadable') flooded.onReadable(new RecvBatch(), take)
    else
      void (async () => {
        for await (const batch of flooded.batches(new RecvBatch())) take(batch)
      })()
    quiet.onReadable(new RecvBatch(), () => {
      heard += 1
    })
    for (let round = 0; round < 20; round += 1) {
      send(sender, quiet.localAddress, 'are you there?')
      await sleep(1)
      timers += 1
      await nextTurn()
    }
    t.equal(timers, 20, `${way}: timers`)
    t.ok(heard >= 10, `${way}: the other socket received ${heard} messages`)
    t.ok(datagrams >= 20 * 64, `${way}: meanwhile ${datagrams} datagrams`)
  }
})

t.test(
  'batches waits for readability after a few datagrams; after many it looks for more in 128 loop iterations',
  async (t) => {
    // What `recv` returns; then nothing.
    let arrivals: number[] = []
    let calls = 0
    const waits: number[] = []
    const source = {
      closed: false,
      recv: () => {
        calls += 1
        return arrivals.shift() ?? 0
      },
      readable: async () => {
        waits.push(calls)
        calls = 0
        arrivals = bursts.shift() ?? []
        source.closed = arrivals.length === 0
      },
    }
    const idle = new Array<number>(100).fill(0)
    const bursts = [[63], [64], [40, 30], [64, ...idle, 63], [64, ...idle, 64], [63]]
    let batches = 0
    for await (const _ of batchesOf(source, new RecvBatch(), undefined, undefined)) batches += 1
    // Each burst is followed by a call that finds nothing. The first wait precedes the bursts.
    t.strictSame(waits, [1, 2, 2 + 128, 3 + 128, 3 + 128, 102 + 1 + 128, 2])
    t.equal(batches, 9)
  },
)
