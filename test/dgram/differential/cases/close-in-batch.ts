import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { cases } from '../case.js'
import { bindQuietly, feed, hold, readAll, reader, SIX } from '../feed.js'
import type { Trial } from '../trial.js'
import type { Socket } from '../types.js'

/** Ways to call a function from a listener: at once or soon after. */
const LATER: Readonly<Record<string, (work: () => void) => unknown>> = {
  'in the listener': (work) => work(),
  'in a tick': (work) => process.nextTick(work),
  'in a promise': (work) => Promise.resolve().then(work),
  'in a microtask': (work) => queueMicrotask(work),
  'in an immediate': (work) => setImmediate(work),
  'in a timer': (work) => setTimeout(work, 0),
  'in a tick of a tick': (work) => process.nextTick(() => process.nextTick(work)),
  'in a promise of a tick': (work) => process.nextTick(() => Promise.resolve().then(work)),
  'in a tick of a promise': (work) => Promise.resolve().then(() => process.nextTick(work)),
  'after ten awaits': async (work) => {
    for (let index = 0; index < 10; index += 1) await null
    work()
  },
}

export const closeInBatch = [
  ...cases(
    'close with queued datagrams',
    Object.fromEntries(
      Object.entries(LATER).map(([when, later]) => [
        when,
        async (t: Trial) => {
          const socket = await reader(t)
          onText(socket, 'two', () => later(() => t.attempt('close', () => socket.close(t.callback('closed')))))
          await readAll(t, socket)
        },
      ]),
    ),
  ),
  ...cases(
    'abort with queued datagrams',
    Object.fromEntries(
      ['in the listener', 'in a tick', 'in a promise', 'in an immediate'].map((when) => [
        when,
        async (t: Trial) => {
          const controller = new AbortController()
          const socket = await reader(t, { type: 'udp4', signal: controller.signal })
          onText(socket, 'two', () => LATER[when](() => controller.abort()))
          await readAll(t, socket)
        },
      ]),
    ),
  ),
  ...cases('close in a batch', {
    'of GRO buffers': async (t) => {
      const socket = await reader(t)
      const sender = await bindQuietly(t, t.plain('udp4', 'sender'), 'sender')
      onText(socket, 'b'.repeat(100), () => socket.close())
      for (const letter of 'abcdef') sender.send(letter.repeat(100), socket.address().port, '127.0.0.1')
      await t.seen("socket 'close'")
      await t.settle(2)
    },
    'at the last datagram': async (t) => {
      const socket = await reader(t)
      onText(socket, 'six', () => socket.close())
      await readAll(t, socket)
    },
    'at the only datagram': async (t) => {
      const socket = await reader(t)
      onText(socket, 'one', () => socket.close())
      await readAll(t, socket, ['one'])
    },
    'twice in one listener': async (t) => {
      const socket = await reader(t)
      onText(socket, 'two', () => {
        socket.close()
        socket.close()
      })
      await readAll(t, socket)
    },
    'in the first of two listeners': async (t) => {
      const socket = await reader(t)
      socket.prependListener('message', () => t.attempt('close', () => socket.close()))
      await readAll(t, socket)
    },
    'in the listener, then an exception': async (t) => {
      const socket = await reader(t)
      onText(socket, 'two', () => {
        socket.close()
        throw new Error('after close')
      })
      await readAll(t, socket)
    },
    'in a tick, after an exception in the listener': async (t) => {
      const socket = await reader(t)
      onText(socket, 'two', () => {
        process.nextTick(() => socket.close())
        throw new Error('before close')
      })
      await readAll(t, socket)
    },
    'in the handler of an uncaught exception': async (t) => {
      const socket = await reader(t)
      onText(socket, 'two', () => {
        process.once('uncaughtException', () => socket.close())
        throw new Error('closes')
      })
      await readAll(t, socket)
    },
    'what the socket can do in the listener after close': async (t) => {
      const socket = await reader(t)
      onText(socket, 'two', () => {
        socket.close()
        t.attempt('address', () => socket.address())
        t.attempt('send', () => socket.send('x', 9, '127.0.0.1'))
        t.attempt('send without an address', () => socket.send('x'))
        t.attempt('ref', () => socket.ref() === socket && socket.unref() === socket)
        t.attempt('getRecvBufferSize', () => socket.getRecvBufferSize())
        t.attempt('bind', () => socket.bind(0))
      })
      await readAll(t, socket)
    },
    'the close event and the ticks of the listener': async (t) => {
      const socket = await reader(t)
      onText(socket, 'two', () => {
        process.nextTick(() => t.log('tick before'))
        Promise.resolve().then(() => t.log('promise'))
        socket.close(() => t.log('callback'))
        process.nextTick(() => t.log('tick after'))
        t.log('listener returns')
      })
      await readAll(t, socket)
    },
    'by Symbol.asyncDispose': async (t) => {
      const socket = await reader(t)
      onText(socket, 'two', () => socket[Symbol.asyncDispose]().then(() => t.log('disposed')))
      await readAll(t, socket)
    },
    'of another socket with queued datagrams': async (t) => {
      const [socket, other] = [await reader(t), await reader(t, 'udp4', 'other')]
      await hold(t, other, SIX)
      onText(socket, 'one', () => other.close())
      const start = await hold(t, socket, ['one', 'two'])
      start()
      await t.seen("other 'close'")
      await t.settle(2)
    },
    'of the sender': async (t) => {
      const socket = await reader(t)
      const sender = await bindQuietly(t, t.plain('udp4', 'sender'), 'sender')
      onText(socket, 'one', () => sender.close())
      for (const text of SIX) sender.send(text, socket.address().port, '127.0.0.1')
      await t.seen('socket got', SIX.length)
    },
    'and a new socket on the same port': async (t) => {
      const socket = await reader(t)
      const { port } = socket.address()
      onText(socket, 'two', () => {
        socket.close()
        const next = t.plain('udp4', 'next').bind(port, '127.0.0.1')
        next.on('message', (bytes) => t.log('next got', String(bytes)))
        next.on('listening', () => feed({ port, address: '127.0.0.1' }, ['for the next']))
      })
      await readAll(t, socket)
      await t.seen('next got')
    },
    'a hundred times, each a new socket': async (t) => {
      let got = 0
      for (let index = 0; index < 100; index += 1) {
        const socket = t.dgram.createSocket('udp4')
        socket.bind(0, '127.0.0.1')
        await once(socket, 'listening')
        socket.on('message', () => {
          got += 1
          socket.close()
        })
        for (let left = 3; left > 0; left -= 1) socket.send('x', socket.address().port, '127.0.0.1')
        await once(socket, 'close')
      }
      t.log('got', got)
    },
    'of two sockets, in a listener of one': async (t) => {
      const sockets = [await reader(t, 'udp4', 'one'), await reader(t, 'udp4', 'two')]
      for (const socket of sockets) onText(socket, 'one', () => sockets.forEach((each) => void each.close()))
      const start = await hold(t, sockets[0], SIX)
      start()
      await t.seen("two 'close'")
      await t.settle(2)
    },
  }),
  ...cases('close with pending sends', {
    'connected, in the listener: the answer is sent': async (t) => {
      const { peer, socket } = await t.connected()
      socket.on('message', () => {
        socket.send('answer', t.callback('sent'))
        socket.close(t.callback('closed'))
      })
      peer.send('question', socket.address().port, '127.0.0.1')
      await t.seen("peer 'message'")
      await t.settle(2)
    },
    'connected, in a promise of the listener': async (t) => {
      const { peer, socket } = await t.connected()
      socket.on('message', async () => {
        await null
        for (const text of SIX) socket.send(text, t.callback('sent'))
        await null
        socket.close(t.callback('closed'))
      })
      peer.send('question', socket.address().port, '127.0.0.1')
      await t.seen("peer 'message'", SIX.length)
      await t.settle(2)
    },
    'connected, in the first callback of many': async (t) => {
      const { socket } = await t.connected()
      for (const text of SIX) socket.send(text, t.callback(`sent ${text}`))
      socket.send('last', () => socket.close())
      await t.seen("socket 'close'")
      await t.seen("peer 'message'", SIX.length + 1)
      await t.settle(2)
    },
    'connected, and a send in the callback of close': async (t) => {
      const { socket } = await t.connected()
      socket.send('x', t.callback('sent'))
      socket.close(() => t.attempt('send', () => socket.send('y', t.callback('sent'))))
      await t.seen("peer 'message'")
      await t.settle(2)
    },
    'connected, with failing and succeeding messages': async (t) => {
      const { socket } = await t.connected()
      socket.send('one', t.callback('one'))
      socket.send(Buffer.alloc(70_000), t.callback('too long'))
      socket.send('three', t.callback('three'))
      socket.close(t.callback('closed'))
      await t.seen("peer 'message'", 2)
      await t.settle(2)
    },
    'a lookup that calls back after close': async (t) => {
      let answer = () => {}
      const lookup = (_name: string, _family: number, callback: (...args: unknown[]) => void) => {
        answer = () => callback(null, '127.0.0.1', 4)
      }
      const socket = t.socket({ type: 'udp4', lookup })
      socket.bind(0, '127.0.0.1')
      answer()
      socket.send('x', 9, 'a.name', t.callback('sent'))
      socket.close()
      await t.seen("socket 'close'")
      t.attempt('answer', () => answer())
      await t.settle(2)
    },
    'the queue lengths afterwards': async (t) => {
      const { socket } = await t.connected()
      for (const text of SIX) socket.send(text)
      socket.close()
      t.attempt('size', () => socket.getSendQueueSize())
      t.attempt('count', () => socket.getSendQueueCount())
      await t.seen("peer 'message'", SIX.length)
    },
    'in the error listener of a failed send': async (t) => {
      const socket = t.plain()
      socket.on('error', (error) => {
        t.log('error', error)
        t.attempt('close', () => socket.close(t.callback('closed')))
      })
      await bound(socket)
      socket.connect(await t.freePort(), '127.0.0.1')
      await once(socket, 'connect')
      socket.send('refused')
      await t.seen('closed')
    },
  }),
  ...cases('in a batch', {
    'connect to another peer: queued datagrams are still delivered': async (t) => {
      const socket = await reader(t)
      onText(socket, 'two', () => socket.connect(9, '127.0.0.1', t.callback('connected')))
      await readAll(t, socket)
    },
    'unref and ref': async (t) => {
      const socket = await reader(t)
      onText(socket, 'two', () => socket.unref())
      onText(socket, 'four', () => socket.ref())
      await readAll(t, socket)
    },
    'change the buffer size': async (t) => {
      const socket = await reader(t)
      onText(socket, 'two', () => socket.setRecvBufferSize(5000))
      await readAll(t, socket)
    },
    'an immediate of a listener runs after the queued datagrams': async (t) => {
      const socket = await reader(t)
      onText(socket, 'two', () => setImmediate(() => t.log('immediate')))
      await readAll(t, socket)
      await t.seen('immediate')
    },
    'another socket bound and closed for each datagram': async (t) => {
      const socket = await reader(t)
      socket.on('message', (bytes) => {
        const other = createSocket('udp4')
        other.bind(0, '127.0.0.1', () => other.close(() => t.log('closed for', String(bytes))))
      })
      await readAll(t, socket, ['one', 'two'])
      await t.seen('closed for', 2)
      t.lines.sort()
    },
  }),
]

/** Calls a function in the listener of the message with a given text, after the other listeners. */
function onText(socket: Socket, text: string, work: () => unknown): void {
  socket.on('message', (bytes) => {
    if (String(bytes) === text) work()
  })
}

async function bound(socket: Socket): Promise<void> {
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
}
