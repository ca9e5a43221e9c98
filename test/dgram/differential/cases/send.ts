import { once } from 'node:events'
import { cases } from '../case.js'
import type { Trial } from '../trial.js'

const WORDS = new Uint16Array([0x6261, 0x6463, 0x6665, 0x6867])

/** Everything that can be sent, as the text that must arrive. */
const MESSAGES: Readonly<Record<string, unknown>> = {
  Buffer: Buffer.from('a buffer'),
  'empty Buffer': Buffer.alloc(0),
  text: 'a text',
  'empty text': '',
  'text of several bytes per character': 'gr\u00fc\u00df \u20ac \u{1f600}',
  'text with half a surrogate pair': 'x\ud83dx',
  Uint8Array: new Uint8Array([97, 98, 99]),
  'Uint8Array in the middle of its memory': new Uint8Array(new Uint8Array([97, 98, 99, 100]).buffer, 1, 2),
  Uint8ClampedArray: new Uint8ClampedArray([97, 98, 99]),
  Uint16Array: WORDS,
  'Uint16Array in the middle': WORDS.subarray(1, 3),
  Float64Array: new Float64Array([1.5]),
  BigInt64Array: new BigInt64Array([0x6162636465666768n]),
  DataView: new DataView(WORDS.buffer, 2, 3),
  'view of shared memory': new Uint8Array(new SharedArrayBuffer(3)).fill(97),
  'list of one': ['one'],
  'list of many kinds': [
    'text ',
    Buffer.from('buffer '),
    new Uint8Array([97, 32]),
    WORDS,
    new DataView(WORDS.buffer, 2, 2),
  ],
  'list with empty elements': ['', Buffer.alloc(0), 'x', new Uint8Array(0)],
  'list of empty elements': ['', ''],
  'empty list': [],
  'list of many': Array.from({ length: 200 }, (_, index) => `${index},`),
}

export const send = [
  ...cases(
    'send delivers',
    Object.fromEntries(
      Object.entries(MESSAGES).map(([kind, message]) => [
        kind,
        (t: Trial) => delivers(t, (port) => [message, port, '127.0.0.1', t.callback()]),
      ]),
    ),
  ),
  ...cases(
    'connected send delivers',
    Object.fromEntries(
      ['Buffer', 'empty text', 'Uint16Array', 'DataView', 'list of many kinds', 'empty list'].map((kind) => [
        kind,
        async (t: Trial) => {
          const { socket } = await t.connected()
          t.attempt('send', () => socket.send(MESSAGES[kind], t.callback()))
          await t.seen('callback')
          await t.seen("peer 'message'")
        },
      ]),
    ),
  ),

  ...cases('send takes', {
    'message, port': (t) => delivers(t, (port) => ['x', port]),
    'message, port, callback': (t) => delivers(t, (port) => ['x', port, t.callback()]),
    'message, port, address': (t) => delivers(t, (port) => ['x', port, '127.0.0.1']),
    'message, port, undefined, callback': (t) => delivers(t, (port) => ['x', port, undefined, t.callback()]),
    'message, port, null, callback': (t) => delivers(t, (port) => ['x', port, null, t.callback()]),
    "message, port, '', callback": (t) => delivers(t, (port) => ['x', port, '', t.callback()]),
    'message, port as text': (t) => delivers(t, (port) => ['x', String(port), '127.0.0.1', t.callback()]),
    'message, port, host name': (t) => delivers(t, (port) => ['x', port, 'localhost', t.callback()]),
    'message, port, callback twice: the first one is taken as the address': (t) =>
      delivers(t, (port) => ['x', port, t.callback('one'), t.callback('two')]),
    'message, offset, length, port': (t) => delivers(t, (port) => ['abcdef', 1, 3, port]),
    'message, offset, length, port, callback': (t) => delivers(t, (port) => ['abcdef', 1, 3, port, t.callback()]),
    'message, offset, length, port, address': (t) => delivers(t, (port) => ['abcdef', 1, 3, port, '127.0.0.1']),
    'message, offset, length, port, address, callback': (t) =>
      delivers(t, (port) => ['abcdef', 1, 3, port, '127.0.0.1', t.callback()]),
    'offset and length count bytes, not characters': (t) =>
      delivers(t, (port) => ['\u20ac\u20ac', 3, 3, port, '127.0.0.1', t.callback()]),
    'offset and length of a wider view count bytes': (t) =>
      delivers(t, (port) => [WORDS, 1, 4, port, '127.0.0.1', t.callback()]),
    'offset and length of a part of memory': (t) =>
      delivers(t, (port) => [Buffer.from('abcdef').subarray(1, 5), 1, 2, port, '127.0.0.1', t.callback()]),
    'offset at the end, length 0': (t) => delivers(t, (port) => ['abc', 3, 0, port, '127.0.0.1', t.callback()]),
    'offset and length as text': (t) => delivers(t, (port) => ['abcdef', '1', '2', port, '127.0.0.1', t.callback()]),
    'offset and length undefined: ignored': (t) =>
      delivers(t, (port) => ['abcdef', undefined, undefined, port, '127.0.0.1', t.callback()]),
    'offset and length that are fractions': (t) =>
      delivers(t, (port) => ['abcdef', 1.9, 2.9, port, '127.0.0.1', t.callback()]),
    'a callback that is no function': (t) => delivers(t, (port) => ['x', port, '127.0.0.1', 'callback']),
    'a seventh argument': (t) =>
      delivers(t, (port) => ['abc', 0, 3, port, '127.0.0.1', t.callback(), t.callback('seventh')]),
  }),

  ...cases('connected send accepts', {
    message: (t) => deliversConnected(t, 'abc'),
    'message, callback': (t) => deliversConnected(t, 'abc', t.callback()),
    'message, offset, length': (t) => deliversConnected(t, 'abcdef', 1, 3),
    'message, offset, length, callback': (t) => deliversConnected(t, 'abcdef', 1, 3, t.callback()),
    'message, offset, length, undefined': (t) => deliversConnected(t, 'abcdef', 1, 3, undefined),
    'message, undefined': (t) => deliversConnected(t, 'abc', undefined),
    'message, port, which is ignored': (t) => deliversConnected(t, 'abc', 9),
    'message, port, address, which are ignored': (t) => deliversConnected(t, 'abc', 9, '127.0.0.1'),
    'message, port, address, callback: refused': (t) => refusesConnected(t, 'abc', 9, '127.0.0.1', t.callback()),
    'message, offset, length, port, address: refused': (t) => refusesConnected(t, 'abc', 0, 3, 9, '127.0.0.1'),
    'message, offset, length, port: refused': (t) => refusesConnected(t, 'abc', 0, 3, 9),
    'message, offset, length, 0, address: refused': (t) => refusesConnected(t, 'abc', 0, 3, 0, '127.0.0.1'),
    'message, offset, length, null, null, callback': (t) => deliversConnected(t, 'abc', 0, 3, null, null, t.callback()),
    'a bad message before a port': (t) => refusesConnected(t, 5, 0, 3, 9),
    'a list with offset and length: rejected': (t) => refusesConnected(t, ['abc'], 0, 3),
  }),

  ...cases('sendto', {
    delivers: async (t) => {
      const peer = await t.bound('udp4', 'peer')
      t.attempt('sendto', () => t.socket().sendto('abcdef', 1, 3, peer.address().port, '127.0.0.1', t.callback()))
      await t.seen("peer 'message'")
    },
    'rejects missing arguments': (t) => {
      const socket = t.socket()
      t.attempt('nothing', () => socket.sendto())
      t.attempt('offset', () => socket.sendto('abc', '0', 3, 9, '127.0.0.1'))
      t.attempt('length', () => socket.sendto('abc', 0, '3', 9, '127.0.0.1'))
      t.attempt('port', () => socket.sendto('abc', 0, 3, '9', '127.0.0.1'))
      t.attempt('address', () => socket.sendto('abc', 0, 3, 9, 5))
      t.attempt('address', () => socket.sendto('abc', 0, 3, 9, t.callback()))
    },
  }),
]

async function delivers(t: Trial, args: (port: number) => unknown[]): Promise<void> {
  const peer = await t.bound('udp4', 'peer')
  const socket = await t.bound()
  // Bound to its address, so that the output contains the sender's port by name.
  t.attempt('send', () => socket.send(...args(peer.address().port)))
  await t.until(() => t.lines.some((line) => line.startsWith("peer 'message'") || line.startsWith('send threw')))
  await t.settle()
}

async function deliversConnected(t: Trial, ...args: unknown[]): Promise<void> {
  const { socket } = await t.connected()
  t.attempt('send', () => socket.send(...args))
  await t.seen("peer 'message'")
  await t.settle()
}

async function refusesConnected(t: Trial, ...args: unknown[]): Promise<void> {
  const { peer, socket } = await t.connected()
  t.attempt('send', () => socket.send(...args))
  socket.send('the next one')
  await once(peer, 'message')
  await t.settle()
}
