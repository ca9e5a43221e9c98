import { once } from 'node:events'
import { cases } from '../case.js'
import type { Trial } from '../trial.js'
import type { Socket } from '../types.js'

/** Every method, called on a closed socket. */
const CALLS: Readonly<Record<string, (socket: Socket) => unknown>> = {
  'bind()': (socket) => socket.bind(),
  'bind(fd)': (socket) => socket.bind({ fd: 1 }),
  'address()': (socket) => socket.address(),
  'remoteAddress()': (socket) => socket.remoteAddress(),
  'disconnect()': (socket) => socket.disconnect(),
  'ref()': (socket) => socket.ref(),
  'unref()': (socket) => socket.unref(),
  'close()': (socket) => socket.close(),
  'close(callback)': (socket) => socket.close(() => {}),
  'setBroadcast()': (socket) => socket.setBroadcast(true),
  'setTTL()': (socket) => socket.setTTL(5),
  "setTTL('x')": (socket) => socket.setTTL('x'),
  'setMulticastTTL()': (socket) => socket.setMulticastTTL(5),
  'setMulticastLoopback()': (socket) => socket.setMulticastLoopback(true),
  'setMulticastInterface()': (socket) => socket.setMulticastInterface('127.0.0.1'),
  'setMulticastInterface(5)': (socket) => socket.setMulticastInterface(5),
  'addMembership()': (socket) => socket.addMembership('224.0.0.200'),
  'addMembership(undefined)': (socket) => socket.addMembership(),
  'dropMembership()': (socket) => socket.dropMembership('224.0.0.200'),
  'addSourceSpecificMembership()': (socket) => socket.addSourceSpecificMembership('127.0.0.1', '232.0.0.1'),
  'dropSourceSpecificMembership()': (socket) => socket.dropSourceSpecificMembership('127.0.0.1', '232.0.0.1'),
  'setRecvBufferSize()': (socket) => socket.setRecvBufferSize(5000),
  'setRecvBufferSize(-1)': (socket) => socket.setRecvBufferSize(-1),
  'setSendBufferSize()': (socket) => socket.setSendBufferSize(5000),
  'getRecvBufferSize()': (socket) => socket.getRecvBufferSize(),
  'getSendBufferSize()': (socket) => socket.getSendBufferSize(),
  'getSendQueueSize()': (socket) => socket.getSendQueueSize(),
  'getSendQueueCount()': (socket) => socket.getSendQueueCount(),
}

export const close = [
  ...cases(
    'after close',
    Object.fromEntries(
      Object.entries(CALLS).map(([label, call]) => [
        label,
        async (t: Trial) => {
          const bound = await t.bound('udp4', 'bound')
          bound.close()
          t.attempt('at once', () => call(bound))
          await t.seen("bound 'close'")
          t.attempt('later', () => call(bound))
          const unbound = t.socket('udp4', 'unbound')
          unbound.close()
          t.attempt('never bound', () => call(unbound))
        },
      ]),
    ),
  ),

  ...cases('close', {
    'of a new socket': async (t) => closes(t, t.socket()),
    'of a bound socket': async (t) => closes(t, await t.bound()),
    'of a connected socket': async (t) => closes(t, (await t.connected()).socket),
    'with a callback': async (t) => closes(t, await t.bound(), t.callback()),
    'with an argument that is no function': async (t) => closes(t, await t.bound(), 'callback'),
    'callback and listener: in the order they were added': async (t) => {
      const socket = await t.bound()
      socket.on('close', t.callback('before'))
      socket.close(t.callback('callback'))
      socket.on('close', t.callback('after'))
      await t.seen('after')
      t.log('listeners', socket.listenerCount('close'))
    },
    'twice, each with a callback: the callback of the rejected call is called too': async (t) => {
      const socket = await t.bound()
      t.attempt('first', () => socket.close(t.callback('first callback')))
      t.attempt('second', () => socket.close(t.callback('second callback')))
      await t.settle()
    },
    'while it binds': async (t) => {
      const socket = t.socket()
      socket.bind(0, t.callback('bound'))
      await closes(t, socket)
    },
    'while it binds, with a send queued': async (t) => {
      const peer = await t.bound('udp4', 'peer')
      const socket = t.socket()
      socket.send('x', peer.address().port, '127.0.0.1', t.callback('sent'))
      await closes(t, socket, t.callback('closed'))
      t.attempt('address', () => socket.address())
    },
    'while it binds, with a send queued: twice': async (t) => {
      const socket = t.socket()
      socket.send('x', 9, '127.0.0.1', t.callback('sent'))
      t.attempt('first', () => socket.close(t.callback('first')))
      t.attempt('second', () => socket.close(t.callback('second')))
      await t.settle()
    },
    'while it binds, with a send queued: and send again': async (t) => {
      const socket = t.socket()
      socket.send('x', 9, '127.0.0.1', t.callback('sent'))
      socket.close()
      t.attempt('send', () => socket.send('y', 9, '127.0.0.1', t.callback('sent again')))
      await t.settle()
    },
    'while a lookup for bind is pending': async (t) => {
      const socket = t.socket()
      socket.bind(0, 'localhost')
      await closes(t, socket)
      await t.settle(10)
    },
    'while a lookup for send is pending': async (t) => {
      const socket = await t.bound()
      socket.send('x', 9, 'localhost', t.callback('sent'))
      socket.send('x', 9, 'no..such.host', t.callback('not sent'))
      await closes(t, socket)
      await t.seen('not sent')
    },
    'after a send in the same tick: nothing is sent': async (t) => {
      const peer = await t.bound('udp4', 'peer')
      const socket = await t.bound()
      socket.send('x', peer.address().port, '127.0.0.1', t.callback('sent'))
      await closes(t, socket)
      await t.settle()
    },
    'after a connected send in the same tick: it is sent': async (t) => {
      const { socket } = await t.connected()
      socket.send('x', t.callback('sent'))
      await closes(t, socket)
      await t.seen("peer 'message'")
    },
    'after ten connected sends in the same tick: all are sent': async (t) => {
      const { socket } = await t.connected()
      for (let index = 0; index < 10; index += 1) socket.send(`message ${index}`, t.callback(`sent ${index}`))
      await closes(t, socket)
      await t.seen("peer 'message'", 10)
    },
    'in the callback of a send': async (t) => {
      const peer = await t.bound('udp4', 'peer')
      const socket = t.socket()
      socket.send('x', peer.address().port, '127.0.0.1', () => t.attempt('close', () => socket.close()))
      await t.seen("peer 'message'")
      await t.seen("socket 'close'")
    },
    'in the first of two callbacks': async (t) => {
      const peer = await t.bound('udp4', 'peer')
      const socket = await t.bound()
      socket.send('one', peer.address().port, '127.0.0.1', () => socket.close())
      socket.send('two', peer.address().port, '127.0.0.1', t.callback('two'))
      await t.seen("peer 'message'", 2)
      await t.settle()
    },
    'in the listening listener': async (t) => {
      const socket = t.socket()
      socket.on('listening', () => t.attempt('close', () => socket.close()))
      socket.bind(0, t.callback())
      await t.settle()
    },
    'in the listening listener, with a send queued': async (t) => {
      const socket = t.plain()
      socket.on('listening', () => t.attempt('close', () => socket.close()))
      socket.on('close', () => t.log('close'))
      socket.send('x', 9, '127.0.0.1', t.callback())
      await t.settle()
    },
    'in the connect listener': async (t) => {
      const socket = t.socket()
      socket.on('connect', () => socket.close())
      socket.connect(9)
      await t.settle()
    },
    'in a message listener: no more messages': async (t) => {
      const socket = await t.bound()
      const sender = await t.bound('udp4', 'sender')
      socket.on('message', () => t.attempt('close', () => socket.close()))
      for (const text of ['one', 'two', 'three']) sender.send(text, socket.address().port, '127.0.0.1', t.callback())
      await t.seen('callback', 3)
      await t.settle()
    },
    'in a message listener of another socket': async (t) => {
      const socket = await t.bound()
      const other = await t.bound('udp4', 'other')
      const sender = await t.bound('udp4', 'sender')
      socket.on('message', () => other.close())
      sender.send('one', socket.address().port, '127.0.0.1', t.callback())
      sender.send('two', other.address().port, '127.0.0.1', t.callback())
      await t.seen("other 'close'")
      await t.settle()
    },
    'frees the port at once': async (t) => {
      const socket = await t.bound()
      const { port } = socket.address()
      socket.close()
      t.socket('udp4', 'next').bind(port, '127.0.0.1')
      await t.seen("next 'listening'")
    },
    'when the event is emitted': async (t) => {
      const socket = await t.bound()
      process.nextTick(() => t.log('tick before'))
      socket.close()
      t.markIterations()
      await t.settle()
    },
    'an exception in the callback': async (t) => {
      const socket = await t.bound()
      socket.close(() => {
        throw new Error('from the callback')
      })
      await t.seen('uncaught')
    },
    'in a close listener': async (t) => {
      const socket = await t.bound()
      socket.on('close', () => t.attempt('close', () => socket.close()))
      socket.close()
      await t.settle()
    },
  }),

  ...cases('Symbol.asyncDispose', {
    closes: async (t) => {
      const socket = await t.bound()
      const disposed = socket[Symbol.asyncDispose]()
      t.log('is a promise', disposed instanceof Promise)
      t.log('resolves to', await disposed)
      t.attempt('address', () => socket.address())
    },
    'of a closed socket': async (t) => {
      const socket = await t.bound()
      socket.close()
      t.log('resolves to', await socket[Symbol.asyncDispose]())
      await t.settle()
    },
    'of a new socket': async (t) => t.log('resolves to', await t.socket()[Symbol.asyncDispose]()),
    twice: async (t) => {
      const socket = await t.bound()
      t.log('both', await Promise.all([socket[Symbol.asyncDispose](), socket[Symbol.asyncDispose]()]))
    },
    'Symbol.dispose does not exist': (t) => t.log('there', Symbol.dispose in t.socket()),
  }),
]

async function closes(t: Trial, socket: Socket, ...args: unknown[]): Promise<void> {
  t.attempt('close', () => socket.close(...args))
  await once(socket, 'close')
  await t.settle()
}
