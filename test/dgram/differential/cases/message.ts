import { AsyncLocalStorage } from 'node:async_hooks'
import { on, once } from 'node:events'
import { cases } from '../case.js'
import type { Trial } from '../trial.js'
import type { Address, Socket } from '../types.js'

export const message = [
  ...cases('message', {
    'rinfo, with its keys in order': async (t) => {
      const { socket, sender } = await pair(t)
      socket.once('message', (_bytes, rinfo) => {
        t.log('keys', Object.keys(rinfo), Object.getPrototypeOf(rinfo) === Object.prototype)
        t.log('sender', rinfo.port === sender.address().port)
      })
      await deliver(t, socket, sender, 'hello')
    },
    'rinfo of IPv6': async (t) => {
      const { socket, sender } = await pair(t, 'udp6')
      await deliver(t, socket, sender, 'hello')
    },
    'every rinfo is a new object': async (t) => {
      const { socket, sender } = await pair(t)
      const seen: object[] = []
      socket.on('message', (_bytes, rinfo) => {
        rinfo.extra = seen.length
        seen.push(rinfo)
      })
      await deliver(t, socket, sender, 'one', 'two')
      t.log('the same', seen[0] === seen[1])
    },
    'the bytes are a Buffer with its own memory': async (t) => {
      const { socket, sender } = await pair(t)
      socket.once('message', (bytes: Buffer) => {
        t.log('Buffer', Buffer.isBuffer(bytes), bytes.constructor === Buffer, bytes.length)
        t.log('memory', bytes.byteOffset, bytes.buffer.byteLength, bytes.buffer instanceof ArrayBuffer)
      })
      await deliver(t, socket, sender, 'hello')
    },
    'the bytes do not change later': async (t) => {
      const { socket, sender } = await pair(t)
      const kept: Buffer[] = []
      socket.on('message', (bytes) => kept.push(bytes))
      await deliver(t, socket, sender, ...Array.from({ length: 60 }, (_, index) => `message ${index}`))
      await deliver(t, socket, sender, 'x'.repeat(2000))
      t.log(
        'kept',
        kept.every((bytes, index) => index === 60 || String(bytes) === `message ${index}`),
      )
    },
    'writing to one does not change another': async (t) => {
      const { socket, sender } = await pair(t)
      const kept: Buffer[] = []
      socket.on('message', (bytes) => kept.push(bytes))
      await deliver(t, socket, sender, 'one', 'two', 'three')
      kept[1].fill('x')
      t.log('kept', kept)
    },
    'transferring one does not change another': async (t) => {
      const { socket, sender } = await pair(t)
      const kept: Buffer[] = []
      socket.on('message', (bytes) => kept.push(bytes))
      await deliver(t, socket, sender, 'one', 'two', 'three')
      structuredClone(kept[0].buffer, { transfer: [kept[0].buffer as ArrayBuffer] })
      t.log('kept', kept)
    },
    'this is the socket': async (t) => {
      const { socket, sender } = await pair(t)
      socket.once('message', t.callback())
      await deliver(t, socket, sender, 'hello')
    },
    'of no bytes': async (t) => {
      const { socket, sender } = await pair(t)
      await deliver(t, socket, sender, '', 'x', '')
    },
    'of every size': async (t) => {
      const { socket, sender } = await pair(t)
      for (const size of [1, 1472, 1473, 2048, 2049, 9000, 65507]) await deliver(t, socket, sender, 'x'.repeat(size))
    },
    'is dropped without a listener': async (t) => {
      const socket = t.plain()
      socket.bind(0, '127.0.0.1')
      await once(socket, 'listening')
      const sender = await t.bound('udp4', 'sender')
      sender.send('early', socket.address().port, '127.0.0.1')
      await t.settle()
      socket.on('message', t.callback('message'))
      sender.send('late', socket.address().port, '127.0.0.1')
      await t.seen('message')
      await t.settle()
    },
    'the listener of createSocket': async (t) => {
      const socket = t.plain('udp4', 'socket', t.callback('listener'))
      socket.bind(0, '127.0.0.1')
      await once(socket, 'listening')
      const sender = await t.bound('udp4', 'sender')
      sender.send('hello', socket.address().port, '127.0.0.1')
      await t.seen('listener')
    },
    'a listener added with once is called once': async (t) => {
      const { socket, sender } = await pair(t)
      socket.once('message', t.callback('once'))
      await deliver(t, socket, sender, 'one', 'two')
    },
    'a listener that is removed by another': async (t) => {
      const { socket, sender } = await pair(t)
      const second = t.callback('second')
      socket.once('message', () => socket.off('message', second))
      socket.on('message', second)
      await deliver(t, socket, sender, 'one', 'two')
    },
    'what a listener queues runs before the next message': async (t) => {
      const { socket, sender } = await pair(t)
      socket.on('message', (bytes) => {
        process.nextTick(() => t.log(`tick of ${bytes}`))
        Promise.resolve().then(() => t.log(`promise of ${bytes}`))
      })
      await deliver(t, socket, sender, 'one', 'two', 'three')
    },
    'an exception in a listener is uncaught, and the next messages are delivered': async (t) => {
      const { socket, sender } = await pair(t)
      socket.on('message', (bytes) => {
        if (String(bytes) === 'one') throw new Error('from the listener')
      })
      await deliver(t, socket, sender, 'one', 'two', 'three')
    },
    'a rejection in a listener emits no error event': async (t) => {
      const { socket, sender } = await pair(t)
      socket.on('message', async () => {
        await t.settle(1)
        t.log('after waiting')
      })
      await deliver(t, socket, sender, 'one')
      await t.seen('after waiting')
    },
    'awaited with once, one after another': async (t) => {
      const { socket, sender } = await pair(t)
      const signal = AbortSignal.timeout(1000)
      for (const text of ['one', 'two', 'three']) sender.send(text, socket.address().port, '127.0.0.1')
      for (let index = 0; index < 3; index += 1) {
        const [bytes] = await once(socket, 'message', { signal }).catch(({ name }) => [name])
        t.log('awaited', bytes)
      }
    },
    'awaited through a function that a listener calls': async (t) => {
      const { socket, sender } = await pair(t)
      let arrived = (_bytes: unknown) => {}
      const next = () =>
        new Promise((resolve) => {
          arrived = resolve
        })
      socket.on('message', (bytes) => arrived(bytes))
      for (const text of ['one', 'two', 'three']) sender.send(text, socket.address().port, '127.0.0.1')
      const deadline = new Promise((resolve) => setTimeout(resolve, 500, 'never'))
      for (let index = 0; index < 3; index += 1) t.log('awaited', await Promise.race([next(), deadline]))
    },
    'awaited with on': async (t) => {
      const { socket, sender } = await pair(t)
      for (const text of ['one', 'two', 'three']) sender.send(text, socket.address().port, '127.0.0.1')
      let left = 3
      for await (const [bytes] of on(socket, 'message')) {
        t.log('awaited', bytes)
        left -= 1
        if (left === 0) break
      }
    },
    'in the order they were sent, from two senders': async (t) => {
      const { socket, sender } = await pair(t)
      const second = await t.bound('udp4', 'second')
      const { port } = socket.address()
      for (let index = 0; index < 6; index += 1) {
        const from = index % 2 ? second : sender
        from.send(`message ${index}`, port, '127.0.0.1')
      }
      await t.seen("socket 'message'", 6)
    },
    'of two sockets': async (t) => {
      const { socket, sender } = await pair(t)
      const other = await t.bound('udp4', 'other')
      sender.send('one', other.address().port, '127.0.0.1')
      sender.send('two', socket.address().port, '127.0.0.1')
      await t.seen("socket 'message'")
      await t.seen("other 'message'")
      // The kernel chooses the order.
      t.lines.sort()
    },
    'to itself': async (t) => {
      const { socket } = await pair(t)
      socket.send('to myself', socket.address().port, '127.0.0.1', t.callback())
      await t.seen("socket 'message'")
    },
    'a reply from the listener': async (t) => {
      const { socket, sender } = await pair(t)
      socket.on('message', (bytes, { port, address }: Address) => socket.send(['re: ', bytes], port, address))
      sender.send('question', socket.address().port, '127.0.0.1')
      await t.seen("sender 'message'")
    },
    'emitted by hand': (t) => {
      const socket = t.socket()
      t.attempt('emit', () => socket.emit('message', Buffer.from('made up'), { port: 1 }))
    },
    'while the socket is unreferenced': async (t) => {
      const { socket, sender } = await pair(t)
      socket.unref()
      await deliver(t, socket, sender, 'hello')
      socket.ref()
      await deliver(t, socket, sender, 'hello again')
    },
    'several times the datagrams that one loop iteration reads': async (t) => {
      const socket = t.plain({ type: 'udp4', recvBufferSize: 1 << 20 })
      socket.bind(0, '127.0.0.1')
      await once(socket, 'listening')
      const sender = await t.bound('udp4', 'sender')
      const got: string[] = []
      socket.on('message', (bytes) => got.push(String(bytes)))
      for (let index = 0; index < 200; index += 1) sender.send(`${index}`, socket.address().port, '127.0.0.1')
      await t.until(() => got.length >= 200)
      t.log('got', got.join())
    },
  }),

  ...cases('AsyncLocalStorage', {
    'in a message listener': (t) => stores(t, (socket, sender) => deliver(t, socket, sender, 'hello')),
    'in the callback of a send': (t) =>
      stores(t, async (socket, _sender, storage) => {
        storage.run('send', () => socket.send('x', 9, '127.0.0.1', () => t.log('store', storage.getStore())))
        await t.seen('store')
      }),
    'in the callback of a connected send': (t) =>
      stores(t, async (socket, _sender, storage) => {
        storage.run('connect', () => socket.connect(9))
        await once(socket, 'connect')
        storage.run('send', () => socket.send('x', () => t.log('store', storage.getStore())))
        await t.seen('store')
      }),
    'in the callbacks of bind and close': async (t) => {
      const storage = new AsyncLocalStorage()
      const socket = storage.run('create', () => t.socket())
      storage.run('bind', () => socket.bind(0, () => t.log('store', storage.getStore())))
      await t.seen('store')
      storage.run('close', () => socket.close(() => t.log('store', storage.getStore())))
      await t.seen('store', 2)
    },
    'in the callbacks of queued sends': async (t) => {
      const storage = new AsyncLocalStorage()
      const socket = t.socket()
      for (const name of ['first', 'second']) {
        storage.run(name, () => socket.send('x', 9, '127.0.0.1', () => t.log('store', name, storage.getStore())))
      }
      await t.seen('store', 2)
    },
  }),
]

async function pair(t: Trial, type = 'udp4'): Promise<{ socket: Socket; sender: Socket }> {
  return { socket: await t.bound(type), sender: await t.bound(type, 'sender') }
}

/** Sends texts in one tick, and waits until all were received. */
async function deliver(t: Trial, socket: Socket, sender: Socket, ...texts: string[]): Promise<void> {
  const { port, address } = socket.address()
  const before = t.lines.filter((line) => line.startsWith("socket 'message'")).length
  for (const text of texts) sender.send(text, port, address)
  await t.seen("socket 'message'", before + texts.length)
  await t.settle()
}

/** A socket whose listeners, bind and creation have different asynchronous contexts. */
async function stores(
  t: Trial,
  act: (socket: Socket, sender: Socket, storage: AsyncLocalStorage<string>) => Promise<unknown>,
): Promise<void> {
  const storage = new AsyncLocalStorage<string>()
  const socket = storage.run('create', () => t.socket())
  storage.run('on', () => socket.on('message', () => t.log('store', storage.getStore())))
  storage.run('bind', () => socket.bind(0, '127.0.0.1'))
  await once(socket, 'listening')
  const sender = await t.bound('udp4', 'sender')
  await act(socket, sender, storage)
}
