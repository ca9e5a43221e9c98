import { once } from 'node:events'
import { cases } from '../case.js'
import type { Trial } from '../trial.js'

const BAD_MESSAGES = [
  undefined,
  null,
  0,
  1,
  true,
  {},
  () => {},
  Symbol('message'),
  10n,
  new ArrayBuffer(4),
  new Date(0),
]

const BAD_ITEMS = [undefined, null, 0, 1, true, {}, [], ['nested'], new ArrayBuffer(4)]

const BAD_PORTS = [
  0,
  '0',
  '',
  ' ',
  -1,
  1.5,
  65536,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  '70000',
  'abc',
  null,
  undefined,
  {},
  [],
  true,
  false,
]

const BAD_RANGES = [
  [0, 7],
  [7, 0],
  [6, 1],
  [-1, 1],
  [0, -1],
  [2 ** 32, 7],
  [2 ** 31, 2 ** 31],
  [Number.NaN, 7],
]

export const sendMisuse = [
  ...cases('send refuses', {
    'invalid messages': (t) => {
      const socket = t.socket()
      for (const message of BAD_MESSAGES) t.attempt(String(message), () => socket.send(message, 9, '127.0.0.1'))
    },
    'invalid messages, with offset and length': (t) => {
      const socket = t.socket()
      for (const message of [...BAD_MESSAGES, ['list']]) {
        t.attempt(String(message), () => socket.send(message, 0, 1, 9, '127.0.0.1'))
      }
    },
    'lists with invalid elements': (t) => {
      const socket = t.socket()
      for (const item of BAD_ITEMS) t.attempt(String(item), () => socket.send(['x', item], 9, '127.0.0.1'))
    },
    'a list with a hole': (t) => {
      const list = ['x', 'x', 'x']
      delete list[1]
      t.attempt('send', () => t.socket().send(list, 9, '127.0.0.1'))
    },
    'connected, invalid messages': async (t) => {
      const { socket } = await t.connected()
      for (const message of BAD_MESSAGES) t.attempt(String(message), () => socket.send(message))
      t.attempt('a list', () => socket.send(['x', 1]))
    },
    'bad ports': (t) => {
      const socket = t.socket()
      for (const port of BAD_PORTS) t.attempt(String(port), () => socket.send('x', port, '127.0.0.1'))
    },
    'bad ports with offset and length': (t) => {
      const socket = t.socket()
      for (const port of BAD_PORTS) t.attempt(String(port), () => socket.send('x', 0, 1, port, '127.0.0.1'))
    },
    'a bigint as port': (t) => t.attempt('send', () => t.socket().send('x', 9n, '127.0.0.1')),
    'a function as port': (t) => t.attempt('send', () => t.socket().send('x', t.callback(), '127.0.0.1')),
    'a message alone': (t) => {
      t.attempt('send', () => t.socket().send('x'))
      t.attempt('with callback', () => t.socket().send('x', t.callback()))
    },
    'no arguments': (t) => t.attempt('send', () => t.socket().send()),
    'bad addresses': (t) => {
      const socket = t.socket()
      for (const address of [0, 1, true, false, {}, [], Symbol('address'), 10n]) {
        t.attempt(String(address), () => socket.send('x', 9, address))
        t.attempt(`${String(address)}, callback`, () => socket.send('x', 9, address, t.callback()))
      }
    },
    'bad addresses with offset and length': (t) => {
      const socket = t.socket()
      for (const address of [1, true, {}, []]) t.attempt(String(address), () => socket.send('x', 0, 1, 9, address))
    },
    'offset and length out of range': (t) => {
      const socket = t.socket()
      for (const [offset, length] of BAD_RANGES) {
        t.attempt(`${offset}, ${length}`, () => socket.send('abcdef', offset, length, 9, '127.0.0.1'))
      }
    },
    'offset and length out of range of a view': (t) => {
      const socket = t.socket()
      const view = new Uint16Array(new ArrayBuffer(12), 2, 3)
      for (const [offset, length] of BAD_RANGES)
        t.attempt(`${offset}, ${length}`, () => socket.send(view, offset, length, 9, '127.0.0.1'))
    },
    'connected, offset and length out of range': async (t) => {
      const { socket } = await t.connected()
      for (const [offset, length] of BAD_RANGES)
        t.attempt(`${offset}, ${length}`, () => socket.send('abcdef', offset, length))
    },
    'arguments in this order: the message, the port, the address; then the state of the socket': (t) => {
      const socket = t.socket()
      socket.close()
      t.attempt('all bad', () => socket.send(5, 0, 5))
      t.attempt('port', () => socket.send('x', 0, 5))
      t.attempt('address', () => socket.send('x', 9, 5))
      t.attempt('closed', () => socket.send('x', 9, '127.0.0.1'))
      t.attempt('range', () => socket.send('x', 0, 2, 0, '127.0.0.1'))
    },
    'a closed socket': async (t) => {
      const socket = await t.bound()
      socket.close()
      t.attempt('send', () => socket.send('x', 9, '127.0.0.1', t.callback()))
      await t.settle()
    },
    'a closed connected socket': async (t) => {
      const { socket } = await t.connected()
      socket.close()
      t.attempt('send', () => socket.send('x', t.callback()))
      await t.settle()
    },
    'and a rejected send does not bind': async (t) => {
      const socket = t.socket()
      t.attempt('send', () => socket.send('x', 0, '127.0.0.1'))
      await t.settle()
      t.attempt('address', () => socket.address())
    },
  }),

  ...cases('send fails', {
    '65507 bytes, the maximum': (t) => fails(t, Buffer.alloc(65507), '127.0.0.1'),
    '65508 bytes': (t) => fails(t, Buffer.alloc(65508), '127.0.0.1'),
    '65508 bytes in a list': (t) => fails(t, [Buffer.alloc(60000), Buffer.alloc(5508)], '127.0.0.1'),
    '70000 bytes of text': (t) => fails(t, 'x'.repeat(70_000), '127.0.0.1'),
    'a megabyte': (t) => fails(t, Buffer.alloc(1 << 20), '127.0.0.1'),
    'connected, 65508 bytes': async (t) => {
      const { socket } = await t.connected()
      t.attempt('send', () => socket.send(Buffer.alloc(65508), t.callback()))
      t.attempt('send without callback', () => socket.send(Buffer.alloc(65508)))
      socket.send('the next one', t.callback('next'))
      await t.seen("peer 'message'")
      await t.settle()
    },
    'to an address of another family': (t) => fails(t, 'x', '::1'),
    'to broadcast without setBroadcast': (t) => fails(t, 'x', '255.255.255.255'),
    'to a host name that does not exist': (t) => fails(t, 'x', 'no..such.host'),
    'to a host name that does not exist, without an error listener': async (t) => {
      const socket = t.plain()
      socket.send('x', 9, 'no..such.host')
      await t.seen('uncaught')
    },
    'to a host name that contains a zero byte': async (t) => {
      const socket = await t.bound()
      t.attempt('send', () => socket.send('x', 9, 'a\0b', t.callback()))
      // From Node 22 on the call itself fails.
      await t.until(() => t.lines.some((line) => line.startsWith('callback') || line.includes('ERR_INVALID_ARG_VALUE')))
      await t.settle()
    },
    'an invalid one between valid ones': async (t) => {
      const peer = await t.bound('udp4', 'peer')
      const socket = await t.bound()
      const { port } = peer.address()
      socket.send('first', port, '127.0.0.1', t.callback('first'))
      socket.send(Buffer.alloc(65508), port, '127.0.0.1', t.callback('too long'))
      socket.send('wrong family', port, '::1', t.callback('wrong family'))
      socket.send(Buffer.alloc(65508), port, '127.0.0.1')
      socket.send('last', port, '127.0.0.1', t.callback('last'))
      await t.seen("peer 'message'", 2)
      await t.settle()
    },
    'connected to a closed port: both the callback and the error event report it': async (t) => {
      const socket = t.socket()
      socket.connect(await t.freePort())
      await once(socket, 'connect')
      socket.send('x', t.callback('first'))
      await t.seen("socket 'error'")
      socket.send('x', t.callback('second'))
      await t.seen("socket 'error'", 2)
    },
    'connected to a closed port, two at once: the second fails': async (t) => {
      const socket = t.socket()
      socket.connect(await t.freePort())
      await once(socket, 'connect')
      socket.send('x', t.callback('first'))
      socket.send('x', t.callback('second'))
      await t.settle()
    },
    'unconnected, to a closed port: no error': async (t) => {
      const socket = t.socket()
      socket.send('x', await t.freePort(), '127.0.0.1', t.callback())
      await t.seen('callback')
      await t.settle()
    },
  }),
]

async function fails(t: Trial, message: unknown, address: string): Promise<void> {
  const socket = await t.bound()
  const port = (await t.bound('udp4', 'peer')).address().port
  t.attempt('send', () => socket.send(message, port, address, t.callback()))
  await t.seen('callback')
  // Without a callback: a failing lookup emits an error event, any other failure is not reported.
  t.attempt('send', () => socket.send(message, port, address))
  if (t.lines.some((line) => line.includes('getaddrinfo'))) await t.seen("socket 'error'")
  await t.settle()
}
