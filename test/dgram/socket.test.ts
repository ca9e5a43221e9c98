import { AsyncLocalStorage } from 'node:async_hooks'
import nodeDgram from 'node:dgram'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { type RemoteInfo, Socket } from '../../src/dgram/index.js'
import { bound, messages, until } from './support.js'

// Behaviour of the drop-in beyond node:dgram. test/dgram/differential compares the common behaviour.

t.test('createSocket returns a node:dgram Socket that batches', async (t) => {
  const socket = await bound(t)
  t.ok(socket instanceof nodeDgram.Socket)
  t.ok(socket instanceof Socket)
  t.strictSame(socket.batching, { available: true, reason: 'Linux, with Koffi' })
})

t.test("messages of one tick are sent in order, and each callback is called in its caller's context", async (t) => {
  const receiver = await bound(t)
  const sender = await bound(t)
  const seen = messages(receiver)
  const storage = new AsyncLocalStorage<number>()
  const results: unknown[] = []
  const { port } = receiver.address()
  for (let index = 0; index < 600; index += 1) {
    const payload = index === 300 ? Buffer.alloc(66_000) : String(index)
    storage.run(index, () =>
      sender.send(payload, port, '127.0.0.1', (error, bytes) => {
        results.push([storage.getStore(), (error as NodeJS.ErrnoException | null)?.code ?? bytes])
      }),
    )
  }
  t.equal(results.length, 0, 'no callback is called before send returns')
  await until(() => results.length === 600)
  const all = Array.from({ length: 600 }, (_, index) => index)
  t.strictSame(
    results,
    all.map((index) => [index, index === 300 ? 'EMSGSIZE' : String(index).length]),
  )
  await until(() => seen.length === 599)
  t.strictSame(seen, all.filter((index) => index !== 300).map(String))
})

t.test('the payload is read when send is called', async (t) => {
  const receiver = await bound(t)
  const sender = await bound(t)
  const seen = messages(receiver)
  const { port } = receiver.address()
  const short = Buffer.from('as it was')
  const long = Buffer.alloc(5000, 'a')
  sender.send(short, port, '127.0.0.1')
  sender.send(long, port, '127.0.0.1')
  sender.send([short, long], port, '127.0.0.1')
  short.fill('x')
  long.fill('x')
  await until(() => seen.length === 3)
  t.strictSame(seen.slice(0, 2), ['as it was', 'a'.repeat(5000)])
})

t.test('a received Buffer and its rinfo belong to the caller', async (t) => {
  const receiver = await bound(t)
  const sender = await bound(t)
  const kept: [Buffer, RemoteInfo][] = []
  receiver.on('message', (bytes, info) => kept.push([bytes, info]))
  const { port } = receiver.address()
  for (let index = 0; index < 500; index += 1) sender.send(String(index).padStart(60), port, '127.0.0.1')
  sender.send(Buffer.alloc(9000, 'l'), port, '127.0.0.1')
  sender.send('', port, '127.0.0.1')
  await until(() => kept.length === 502)
  kept.slice(0, 500).forEach(([bytes, info], index) => {
    t.equal(bytes.toString(), String(index).padStart(60))
    t.strictSame(info, { address: '127.0.0.1', family: 'IPv4', port: sender.address().port, size: 60 })
  })
  t.equal(kept[500][0].toString(), 'l'.repeat(9000))
  t.strictSame([kept[501][0].byteLength, kept[501][1].size], [0, 0])
  const memory = new Set(kept.slice(0, 500).map(([bytes]) => bytes.buffer))
  t.ok(memory.size <= 9, `500 short datagrams of one source are in ${memory.size} blocks, one per batch`)
  t.ok(kept.every(([bytes]) => bytes.byteOffset % 8 === 0))
})

t.test(
  'datagrams share memory only with others of their source and batch: structuredClone copies no bytes of other peers',
  async (t) => {
    const receiver = await bound(t)
    const senders = await Promise.all(['a', 'b'].map(async (letter) => [letter, await bound(t)] as const))
    const kept: Buffer[] = []
    receiver.on('message', (bytes) => kept.push(bytes))
    const { port } = receiver.address()
    for (let wave = 1; wave <= 6; wave += 1) {
      for (let index = 0; index < 50; index += 1) {
        for (const [letter, sender] of senders) sender.send(letter.repeat(66 + (index % 40)), port, '127.0.0.1')
      }
      await until(() => kept.length === wave * 100)
    }
    const memory = new Set(kept.map(({ buffer }) => buffer))
    t.ok(memory.size < 60, `600 datagrams are in ${memory.size} blocks`)
    for (const block of memory) {
      const letters = new Set(Buffer.from(structuredClone(block)).toString('latin1'))
      letters.delete('\0')
      t.equal(letters.size, 1, 'one source')
    }
    t.ok(kept.every((bytes) => new Set(bytes).size === 1 && bytes.length >= 66))
    t.ok(kept.every(({ byteOffset }) => byteOffset % 8 === 0))
  },
)

t.test('a GSO send arrives as single messages, with gro and without', async (t) => {
  for (const gro of [true, false]) {
    const receiver = await bound(t, { gro })
    const sender = await bound(t)
    const seen = messages(receiver)
    const { port } = receiver.address()
    for (let index = 0; index < 100; index += 1) sender.send(String(index).padStart(4), port, '127.0.0.1')
    await until(() => seen.length === 100)
    t.strictSame(
      seen,
      Array.from({ length: 100 }, (_, index) => String(index).padStart(4)),
    )
  }
})

t.test('messages that the kernel does not accept are queued in bounded memory', async (t) => {
  const receiver = await bound(t, { recvBufferSize: 4 << 20 })
  const sender = await bound(t, { sendBufferSize: 4096, gso: false })
  const seen = messages(receiver)
  const { port } = receiver.address()
  let done = 0
  for (let index = 0; index < 300; index += 1) {
    sender.send(String(index).padEnd(1400), port, '127.0.0.1', (error) => {
      t.equal(error, null)
      done += 1
    })
  }
  t.equal(sender.getSendQueueCount() > 0, true)
  t.equal(sender.getSendQueueSize(), sender.getSendQueueCount() * 1400)
  await until(() => done === 300 && seen.length === 300)
  t.strictSame(
    seen.map((text) => Number(text)),
    Array.from({ length: 300 }, (_, index) => index),
  )
  t.equal(sender.getSendQueueCount(), 0)
  t.equal(sender.getSendQueueSize(), 0)
})

t.test('send fails with ENOBUFS when the queue is full', async (t) => {
  const sender = await bound(t)
  const codes = new Set<unknown>()
  // Larger than a slot, so that none is sent before the tick ends.
  for (let index = 0; index < 300; index += 1) {
    sender.send(Buffer.alloc(65_000), 9, '127.0.0.1', (error) =>
      codes.add((error as NodeJS.ErrnoException | null)?.code),
    )
    if (index < 250) t.ok(sender.getSendQueueSize() <= 16_777_216 + 65_000)
  }
  await until(() => codes.size > 0)
  t.ok([...codes].every((code) => code === undefined || code === 'ENOBUFS'))
})

t.test('close sends what was queued in the same tick', async (t) => {
  const receiver = await bound(t)
  const sender = await bound(t)
  const seen = messages(receiver)
  const results: unknown[] = []
  for (const text of ['a', 'b']) sender.send(text, receiver.address().port, '127.0.0.1', (error) => results.push(error))
  sender.close()
  await until(() => seen.length === 2 && results.length === 2)
  t.strictSame(results, [null, null])
})

t.test('an exception in a message listener is uncaught, and the rest of the batch is delivered in order', async (t) => {
  const receiver = await bound(t)
  const sender = await bound(t)
  const seen: string[] = []
  const errors: unknown[] = []
  const handlers = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  const onError = (error: unknown) => {
    errors.push(error)
    seen.push('uncaught')
  }
  process.on('uncaughtException', onError)
  t.teardown(() => {
    process.removeListener('uncaughtException', onError)
    for (const handler of handlers) process.on('uncaughtException', handler)
  })
  receiver.on('message', (bytes) => {
    seen.push(bytes.toString())
    if (/[bd]/.test(bytes.toString())) throw new Error(bytes.toString())
  })
  for (const text of ['a', 'b', '', 'c', 'd', 'e']) sender.send(text, receiver.address().port, '127.0.0.1')
  await until(() => seen.length === 8)
  t.strictSame(seen, ['a', 'b', 'uncaught', '', 'c', 'd', 'uncaught', 'e'])
  t.match(errors, [{ message: 'b' }, { message: 'd' }])
})

t.test('close in a message listener stops delivery', async (t) => {
  const receiver = await bound(t)
  const sender = await bound(t)
  const seen: string[] = []
  receiver.on('message', (bytes) => {
    seen.push(bytes.toString())
    receiver.close()
  })
  for (const text of ['a', 'b', 'c']) sender.send(text, receiver.address().port, '127.0.0.1')
  await once(receiver, 'close')
  await sleep(20)
  t.strictSame(seen, ['a'])
})

t.test('a connected socket sends, receives from its peer, reports ECONNREFUSED and disconnects', async (t) => {
  const receiver = await bound(t)
  const sender = await bound(t)
  const seen = messages(receiver)
  const { port } = receiver.address()
  sender.connect(port, '127.0.0.1')
  await once(sender, 'connect')
  t.equal(sender.remoteAddress().port, port)
  const bytes = await new Promise((resolve, reject) => {
    sender.send('connected', (error, count) => (error ? reject(error) : resolve(count)))
  })
  t.equal(bytes, 9)
  sender.disconnect()
  sender.send('again', port, '127.0.0.1')
  await until(() => seen.length === 2)
  sender.connect(port, '127.0.0.1')
  await once(sender, 'connect')
  receiver.close()
  await once(receiver, 'close')
  sender.send('to a closed port')
  const [error] = await once(sender, 'error')
  t.match(error, { code: 'ECONNREFUSED', syscall: 'recvmsg' })
})

t.test('messages that arrive together can be awaited one by one', async (t) => {
  const receiver = await bound(t)
  const sender = await bound(t)
  const expected = Array.from({ length: 150 }, (_, index) => String(index))
  const first = once(receiver, 'message')
  for (const text of expected) sender.send(text, receiver.address().port, '127.0.0.1')
  const seen: string[] = []
  for (let next = await first; ; next = await once(receiver, 'message')) {
    seen.push(next[0].toString())
    if (seen.length === expected.length) break
  }
  t.strictSame(seen, expected)
})

t.test('messages keep their order across different send paths', async (t) => {
  const receiver = await bound(t)
  const sender = await bound(t)
  const seen = messages(receiver)
  const { port } = receiver.address()
  const view = new DataView(Buffer.from('slow').buffer.slice(0, 0))
  for (let round = 0; round < 3; round += 1) {
    sender.send(`fast ${round}`, port, '127.0.0.1')
    sender.send(new Uint16Array([0x3030 + round]), port, '127.0.0.1')
    sender.send(view, port, '127.0.0.1')
    sender.send(`after ${round}`, port, '127.0.0.1')
  }
  await until(() => seen.length === 12)
  t.strictSame(
    seen,
    [0, 1, 2].flatMap((round) => [`fast ${round}`, `${round}0`, '', `after ${round}`]),
  )
})

t.test('many sockets that send in one tick use bounded memory, and every message arrives', async (t) => {
  const receiver = await bound(t)
  const seen = new Set<string>()
  receiver.on('message', (bytes) => seen.add(bytes.toString()))
  const sockets = await Promise.all(Array.from({ length: 200 }, () => bound(t)))
  const { port } = receiver.address()
  const before = process.memoryUsage().external
  let sent = 0
  for (const [index, socket] of sockets.entries()) {
    socket.send(`from ${index}`, port, '127.0.0.1', (error) => {
      if (error === null) sent += 1
    })
  }
  const rise = process.memoryUsage().external - before
  // A send batch takes 0.4 MiB, and at most 16 batches are filled at a time.
  t.ok(rise < 10 * 2 ** 20, `${rise} bytes`)
  await until(() => sent === 200 && seen.size === 200)
})
