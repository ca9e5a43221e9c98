import { cases } from '../case.js'
import type { Trial } from '../trial.js'
import type { Socket } from '../types.js'

const NUMBERS = [1, 5, 255, 0, -1, 256, 1.5, 2 ** 31, 2 ** 32 + 5, Number.NaN, Number.POSITIVE_INFINITY]

const NOT_NUMBERS = [undefined, null, '5', true, {}, [], () => {}, 5n, Symbol('x')]

const SIZES = [0, 1, 5000, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1]

const NOT_SIZES = [-1, 1.5, 2 ** 32, Number.NaN, Number.POSITIVE_INFINITY, '5000', undefined, null, true, {}]

const TRUTHS = [true, false, 1, 0, 'x', '', undefined, null, {}]

export const options = [
  ...cases('setTTL', {
    'of a bound socket': async (t) => numbers(t, await t.bound(), 'setTTL'),
    'of a new socket': (t) => numbers(t, t.socket(), 'setTTL'),
    'of udp6': async (t) => numbers(t, await t.bound('udp6'), 'setTTL'),
    'rejects what is no number': async (t) => notNumbers(t, await t.bound(), 'setTTL'),
    'with no argument': async (t) => {
      const socket = await t.bound()
      t.attempt('setTTL()', () => socket.setTTL())
    },
  }),
  ...cases('setMulticastTTL', {
    'of a bound socket': async (t) => numbers(t, await t.bound(), 'setMulticastTTL'),
    'of a new socket': (t) => numbers(t, t.socket(), 'setMulticastTTL'),
    'of udp6': async (t) => numbers(t, await t.bound('udp6'), 'setMulticastTTL'),
    'rejects what is no number': async (t) => notNumbers(t, await t.bound(), 'setMulticastTTL'),
  }),
  ...cases('setMulticastLoopback', {
    'of a bound socket': async (t) => truths(t, await t.bound(), 'setMulticastLoopback'),
    'of a new socket': (t) => truths(t, t.socket(), 'setMulticastLoopback'),
    'of udp6': async (t) => truths(t, await t.bound('udp6'), 'setMulticastLoopback'),
  }),
  ...cases('setBroadcast', {
    'of a bound socket': async (t) => truths(t, await t.bound(), 'setBroadcast'),
    'of a new socket': (t) => truths(t, t.socket(), 'setBroadcast'),
    'permits broadcasts': async (t) => {
      const peer = t.socket('udp4', 'peer').bind(0, '0.0.0.0')
      await t.seen("peer 'listening'")
      const socket = await t.bound()
      socket.setBroadcast(true)
      socket.send('to all', peer.address().port, '127.255.255.255', t.callback())
      await t.seen("peer 'message'")
      socket.setBroadcast(false)
      socket.send('to all', peer.address().port, '127.255.255.255', t.callback('again'))
      await t.seen('again')
    },
  }),

  ...cases('buffer sizes', {
    'set and read': async (t) => {
      const socket = await t.bound()
      for (const size of SIZES) {
        t.attempt(`setRecvBufferSize(${size})`, () => socket.setRecvBufferSize(size))
        t.attempt(`setSendBufferSize(${size})`, () => socket.setSendBufferSize(size))
        t.attempt('get', () => [socket.getRecvBufferSize(), socket.getSendBufferSize()])
      }
    },
    'of a new socket': (t) => {
      const socket = t.socket()
      for (const size of SIZES) {
        t.attempt(`setRecvBufferSize(${size})`, () => socket.setRecvBufferSize(size))
        t.attempt(`setSendBufferSize(${size})`, () => socket.setSendBufferSize(size))
      }
      t.attempt('getRecvBufferSize', () => socket.getRecvBufferSize())
      t.attempt('getSendBufferSize', () => socket.getSendBufferSize())
    },
    'that are invalid': async (t) => {
      const socket = await t.bound()
      for (const size of NOT_SIZES) {
        t.attempt(`setRecvBufferSize(${String(size)})`, () => socket.setRecvBufferSize(size))
        t.attempt(`setSendBufferSize(${String(size)})`, () => socket.setSendBufferSize(size))
      }
    },
    'that are invalid, of a new socket': (t) => {
      const socket = t.socket()
      for (const size of NOT_SIZES) t.attempt(`${String(size)}`, () => socket.setRecvBufferSize(size))
    },
    'of createSocket that are too large: bind fails': async (t) => {
      const socket = t.socket({ type: 'udp4', recvBufferSize: 2 ** 32 - 1 })
      t.attempt('bind', () => socket.bind(0))
      await t.settle()
    },
    'with arguments to get': async (t) => {
      const socket = await t.bound()
      const get = socket.getRecvBufferSize.bind(socket) as (...args: unknown[]) => unknown
      t.attempt('get', () => get(9000))
    },
  }),

  ...cases('ref and unref', {
    'return the socket': async (t) => {
      const socket = t.socket()
      t.attempt('unref', () => socket.unref())
      t.attempt('unref', () => socket.unref())
      t.attempt('ref', () => socket.ref())
      const bound = await t.bound('udp4', 'bound')
      t.attempt('unref', () => bound.unref())
      t.attempt('ref', () => bound.ref())
    },
    'unref before bind': async (t) => {
      const socket = t.socket().unref()
      socket.bind(0, '127.0.0.1')
      await t.seen("socket 'listening'")
    },
  }),

  ...cases('address', {
    'of a new socket': (t) => addresses(t, t.socket()),
    'while it binds': (t) => addresses(t, t.socket().bind(0)),
    'of a bound socket': async (t) => addresses(t, await t.bound()),
    'of a bound udp6 socket': async (t) => addresses(t, await t.bound('udp6')),
    'returns a new object each time': async (t) => {
      const socket = await t.bound()
      const [one, two] = [socket.address(), socket.address()]
      t.log('same', one === two)
    },
    'of a connected socket': async (t) => addresses(t, (await t.connected()).socket),
    'when bound to all and then connected: what the kernel chose': async (t) => {
      const socket = t.socket().bind(0)
      await t.seen("socket 'listening'")
      addresses(t, socket)
      socket.connect(9, '127.0.0.1')
      await t.seen("socket 'connect'")
      addresses(t, socket)
    },
  }),
]

function numbers(t: Trial, socket: Socket, method: 'setTTL' | 'setMulticastTTL'): void {
  for (const value of NUMBERS) t.attempt(`${method}(${value})`, () => socket[method](value))
}

function notNumbers(t: Trial, socket: Socket, method: 'setTTL' | 'setMulticastTTL'): void {
  for (const value of NOT_NUMBERS) t.attempt(`${method}(${String(value)})`, () => socket[method](value))
}

function truths(t: Trial, socket: Socket, method: 'setBroadcast' | 'setMulticastLoopback'): void {
  for (const value of TRUTHS) t.attempt(`${method}(${JSON.stringify(value)})`, () => socket[method](value))
}

function addresses(t: Trial, socket: Socket): void {
  const address = t.attempt('address', () => socket.address())
  if (address !== undefined) t.log('keys', Object.keys(address), Object.getPrototypeOf(address) === Object.prototype)
}
