import * as exported from 'node:dgram'
import dns from 'node:dns'
import { EventEmitter, once } from 'node:events'
import { inherits } from 'node:util'
import { cases } from '../case.js'
import type { Trial } from '../trial.js'

const BAD_TYPES = [undefined, null, '', 'UDP4', 'udp', 'udp5', 'tcp', 4, true, [], {}, { type: null }, { type: 'x' }]

const BAD_SIZES = ['10', 1.5, -1, 2 ** 32, Number.POSITIVE_INFINITY, {}, true, [1], 10n]

const BAD_FUNCTIONS = [null, 0, 1, '', 'lookup', {}, [], true]

const BAD_SIGNALS = [null, 0, 1, '', 'signal', {}, [], true, () => {}]

export const create = [
  ...cases('createSocket', {
    "with 'udp4'": (t) => describe(t, t.socket('udp4')),
    "with 'udp6'": (t) => describe(t, t.socket('udp6')),
    "with { type: 'udp4' }": (t) => describe(t, t.socket({ type: 'udp4' })),
    "with { type: 'udp6', unknown options }": (t) => describe(t, t.socket({ type: 'udp6', colour: 'red' })),
    'with every option at once': (t) => {
      const options = {
        reuseAddr: true,
        ipv6Only: true,
        recvBufferSize: 9000,
        sendBufferSize: 9000,
        lookup: dns.lookup,
      }
      describe(t, t.socket({ type: 'udp6', ...options, signal: new AbortController().signal }))
    },
    'with options that are undefined': (t) => {
      const none = { lookup: undefined, signal: undefined, recvBufferSize: undefined, reuseAddr: undefined }
      describe(t, t.socket({ type: 'udp4', ...none }))
    },
    'with a String object as type': (t) => t.attempt('createSocket', () => t.plain(new String('udp4'))),
    'the options are not changed': (t) => {
      const options = Object.freeze({ type: 'udp4', reuseAddr: true })
      t.socket(options)
      t.log('options', options)
    },
    'with options in an inherited property': (t) => describe(t, t.socket(Object.create({ type: 'udp4' }))),
    'two calls return two sockets': (t) => {
      const [one, two] = [t.socket(), t.socket()]
      t.log('same', one === two)
    },
    'with a message listener': (t) => {
      const listener = () => {}
      const socket = t.plain('udp4', 'socket', listener)
      t.log('listeners', socket.listenerCount('message'), socket.listeners('message')[0] === listener)
    },
    'with a second argument that is no function': (t) => {
      for (const listener of [null, undefined, 1, 'x', {}, { handleEvent() {} }]) {
        t.attempt('listeners', () => t.plain('udp4', 'socket', listener).listenerCount('message'))
      }
    },
    'opens no descriptor': (t) => {
      const socket = t.socket()
      t.attempt('address()', () => socket.address())
    },
  }),

  ...cases('createSocket rejects', {
    'a bad type': (t) => {
      for (const type of BAD_TYPES) t.attempt(`createSocket(${text(type)})`, () => t.dgram.createSocket(type))
    },
    'no arguments': (t) => t.attempt('createSocket()', () => t.dgram.createSocket()),
    'a bad recvBufferSize': (t) => {
      for (const recvBufferSize of BAD_SIZES)
        t.attempt(text(recvBufferSize), () => t.plain({ type: 'udp4', recvBufferSize }))
    },
    'a bad sendBufferSize': (t) => {
      for (const sendBufferSize of BAD_SIZES)
        t.attempt(text(sendBufferSize), () => t.plain({ type: 'udp4', sendBufferSize }))
    },
    'but accepts falsy buffer sizes': (t) => {
      for (const size of [0, '', null, Number.NaN, false]) {
        t.attempt(text(size), () => t.plain({ type: 'udp4', recvBufferSize: size, sendBufferSize: size }))
      }
    },
    'a lookup that is no function': (t) => {
      for (const lookup of BAD_FUNCTIONS) t.attempt(text(lookup), () => t.plain({ type: 'udp4', lookup }))
    },
    'a signal that is no AbortSignal': (t) => {
      for (const signal of BAD_SIGNALS) t.attempt(text(signal), () => t.plain({ type: 'udp4', signal }))
    },
    'options in this order: the sizes, the lookup, the type, the signal': (t) => {
      const signal = 5
      t.attempt('all bad', () => t.plain({ type: 'x', sendBufferSize: -1, recvBufferSize: -2, lookup: 1, signal }))
      t.attempt('but recvBufferSize', () => t.plain({ type: 'x', sendBufferSize: -1, lookup: 1, signal }))
      t.attempt('lookup, type, signal', () => t.plain({ type: 'x', lookup: 1, signal }))
      t.attempt('type, signal', () => t.plain({ type: 'x', signal }))
    },
  }),

  ...cases('Socket', {
    'its prototype chain': (t) => {
      const { Socket } = t.dgram
      const socket = t.socket()
      t.log('instance', socket instanceof Socket, socket instanceof EventEmitter)
      t.log('constructor', socket.constructor === Socket, socket.constructor.name)
      t.log('prototypes', Object.getPrototypeOf(Socket) === EventEmitter)
      t.log('prototypes', Object.getPrototypeOf(Socket.prototype) === EventEmitter.prototype)
      t.log('tag', Object.prototype.toString.call(socket), String(socket))
    },
    'is made with new': (t) => {
      describe(t, t.adopt(new t.dgram.Socket('udp4'), 'socket'))
      t.attempt('bad type', () => new t.dgram.Socket('x'))
    },
    'can be extended with inherits and call': (t) => {
      const { Socket } = t.dgram
      function Extended(this: object): void {
        Reflect.apply(Socket, this, ['udp4'])
      }
      inherits(Extended as never, Socket as never)
      const make = Extended as unknown as new () => InstanceType<typeof Socket>
      t.attempt('new Extended()', () => describe(t, t.adopt(new make(), 'extended')))
    },
    'can be extended with class': async (t) => {
      class Extended extends t.dgram.Socket {
        override bind(...args: unknown[]): this {
          t.log('overridden bind')
          return super.bind(...args)
        }
      }
      const socket = t.adopt(new Extended('udp4'), 'extended')
      describe(t, socket)
      socket.send('x', 9, '127.0.0.1')
      await once(socket, 'listening')
    },
    'called without new and without this': (t) => {
      const { Socket } = t.dgram
      t.attempt('Socket()', () => Socket('udp4'))
    },
    'names and lengths of its methods': (t) => {
      // Further names are extensions of the drop-in: only those of node:dgram are compared.
      const names = Object.getOwnPropertyNames(exported.Socket.prototype).filter((name) => !name.startsWith('_'))
      const prototype = t.dgram.Socket.prototype as Record<string, unknown>
      for (const name of names.sort()) {
        const value = prototype[name]
        t.log(name, typeof value, typeof value === 'function' && value.length)
      }
    },
    'what the module exports': (t) => {
      const names = Object.keys(exported).filter((name) => name !== 'default')
      for (const name of names.sort()) {
        const value = (t.dgram as unknown as Record<string, unknown>)[name]
        t.log(name, typeof value, typeof value === 'function' && [value.name, value.length])
      }
    },
    'its methods reject another this': (t) => {
      const { prototype } = t.dgram.Socket as unknown as { prototype: Record<string, () => void> }
      for (const name of ['bind', 'close', 'address']) {
        try {
          prototype[name].call({})
          t.log(name, 'did not throw')
        } catch (error) {
          t.log(name, error instanceof TypeError)
        }
      }
    },
    'type is an own property': (t) => {
      const socket = t.socket()
      t.log('type', Object.getOwnPropertyDescriptor(socket, 'type'))
      t.log(
        'private ones',
        ['_handle', '_bindState', '_receiving', '_queue', '_reuseAddr'].map((name) => name in socket),
      )
    },
    'is published on the diagnostics channel': async (t) => {
      const { subscribe, unsubscribe } = await import('node:diagnostics_channel')
      const seen: unknown[] = []
      const listener = (message: unknown) => void seen.push(message)
      subscribe('udp.socket', listener)
      const socket = t.socket()
      unsubscribe('udp.socket', listener)
      t.log('published', seen.length, (seen[0] as { socket: unknown })?.socket === socket, Object.keys(Object(seen[0])))
    },
    'with a bad type nothing is published on the channel': async (t) => {
      const { subscribe, unsubscribe } = await import('node:diagnostics_channel')
      let published = 0
      const listener = () => {
        published += 1
      }
      subscribe('udp.socket', listener)
      t.attempt('bad type', () => t.plain('x'))
      t.attempt('bad signal', () => t.plain({ type: 'udp4', signal: 1 }))
      unsubscribe('udp.socket', listener)
      t.log('published', published)
    },
  }),
]

function describe(t: Trial, socket: ReturnType<Trial['socket']>): void {
  t.log('type', socket.type)
  t.log('instance', socket instanceof t.dgram.Socket)
  t.log(
    'keys',
    Object.keys(socket).filter((key) => !key.startsWith('_')),
  )
}

function text(value: unknown): string {
  return typeof value === 'function'
    ? 'a function'
    : typeof value === 'bigint'
      ? `${value}n`
      : `${JSON.stringify(value)}`
}
