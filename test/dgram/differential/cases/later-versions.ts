import { Socket as NodeSocket } from 'node:dgram'
import dns from 'node:dns'
import { once } from 'node:events'
import { BlockList } from 'node:net'
import { cases, isSince } from '../case.js'
import { bindQuietly, feed, hold, readAll, reader, SIX } from '../feed.js'
import type { Trial } from '../trial.js'
import type { Address, Socket } from '../types.js'

/** A socket of a version of Node with bindSync and connectSync. */
interface Synchronous extends Socket {
  bindSync(...args: unknown[]): Address
  connectSync(...args: unknown[]): unknown
}

// A version of Node before the named one ignores the option or lacks the method: on that version, the module under test
// must do the same.
export const laterVersions = [
  // From Node 26 on.
  ...cases('bindSync', {
    'returns the address': synchronous(async (t, socket) => {
      t.attempt('bindSync', () => socket.bindSync({ address: '127.0.0.1' }))
      t.attempt('address', () => socket.address())
      t.log('listening comes later')
      t.markIterations()
      await t.seen("socket 'listening'")
      await t.settle(1)
    }),
    'with no arguments': synchronous(async (t, socket) => {
      t.attempt('bindSync', () => socket.bindSync())
      await t.seen("socket 'listening'")
    }),
    'rejects unknown options': synchronous((t, socket) => {
      for (const options of [null, 0, '0', [], () => {}]) t.attempt(typeof options, () => socket.bindSync(options))
      for (const port of [-1, 65536, 'x', 1.5, {}]) t.attempt(String(port), () => socket.bindSync({ port }))
      for (const address of ['localhost', 5, '127.0.0.1 ', '::1']) {
        t.attempt(String(address), () => socket.bindSync({ address }))
      }
    }),
    'a second time': synchronous((t, socket) => {
      socket.bindSync()
      t.attempt('bindSync', () => socket.bindSync())
      t.attempt('bind', () => socket.bind(0))
    }),
    'a used port': synchronous(async (t, socket) => {
      const used = await reader(t, 'udp4', 'used')
      t.attempt('bindSync', () => socket.bindSync({ port: used.address().port, address: '127.0.0.1' }))
      t.attempt('again', () => socket.bindSync({ address: '127.0.0.1' }))
    }),
    'and closes at once': synchronous(async (t, socket) => {
      socket.bindSync()
      socket.close()
      t.attempt('bindSync', () => socket.bindSync())
      await t.settle(1)
    }),
    'sends and receives at once': synchronous(async (t, socket) => {
      const { port } = socket.bindSync({ address: '127.0.0.1' })
      for (const text of SIX) socket.send(text, port, '127.0.0.1', t.callback('sent'))
      await t.seen("socket 'message'", SIX.length)
      await t.seen('sent', SIX.length)
      t.lines.sort()
    }),
    'reads queued datagrams': synchronous(async (t, socket) => {
      socket.bindSync({ address: '127.0.0.1' })
      await readAll(t, socket)
    }),
    'while bind is pending': synchronous(async (t, socket) => {
      socket.bind(0, '127.0.0.1')
      t.attempt('bindSync', () => socket.bindSync())
      await once(socket, 'listening')
    }),
    'in a subclass that overrides bind': async (t) => {
      if (!HAS_SYNCHRONOUS) return t.log('not in this version')
      class Sub extends t.dgram.Socket {
        override bind(...args: unknown[]): this {
          t.log('bind')
          return super.bind(...args)
        }
      }
      const socket = t.adopt(new Sub('udp4'), 'sub') as unknown as Synchronous
      t.attempt('bindSync', () => socket.bindSync?.({ address: '127.0.0.1' }))
      return undefined
    },
  }),
  // From Node 26 on.
  ...cases('connectSync', {
    'to a port': synchronous(async (t, socket) => {
      const peer = await reader(t, 'udp4', 'peer')
      t.attempt('connectSync', () => socket.connectSync(peer.address().port))
      t.attempt('remoteAddress', () => socket.remoteAddress())
      for (const text of SIX) socket.send(text)
      await t.seen('peer got', SIX.length)
      await t.seen("socket 'connect'")
      t.lines.sort()
    }),
    'rejects an invalid port or address': synchronous((t, socket) => {
      for (const port of [0, -1, 65536, 'x', undefined]) t.attempt(String(port), () => socket.connectSync(port))
      for (const address of ['localhost', 5, {}, '::1'])
        t.attempt(String(address), () => socket.connectSync(9, address))
    }),
    'a second time': synchronous((t, socket) => {
      socket.connectSync(9)
      t.attempt('connectSync', () => socket.connectSync(9))
      t.attempt('connect', () => socket.connect(9))
    }),
    'while bind is pending': synchronous(async (t, socket) => {
      socket.bind(0, '127.0.0.1')
      t.attempt('connectSync', () => socket.connectSync(9))
      await once(socket, 'listening')
      t.attempt('connectSync', () => socket.connectSync(9))
      await once(socket, 'connect')
    }),
    'and what was sent before it in the same tick': synchronous(async (t, socket) => {
      const [peer, other] = [await reader(t, 'udp4', 'peer'), await reader(t, 'udp4', 'other')]
      socket.connectSync(peer.address().port)
      socket.send('to the peer')
      socket.disconnect()
      socket.connectSync(other.address().port)
      socket.send('to the other')
      await t.seen('peer got')
      await t.seen('other got')
      t.lines.sort()
    }),
    'closes at once': synchronous(async (t, socket) => {
      socket.connectSync(9)
      socket.close()
      t.attempt('connectSync', () => socket.connectSync(9))
      await t.settle(1)
    }),
  }),
  // From Node 26 on, and in late versions of 20, 22 and 24: a numeric address takes no lookup.
  ...cases('dns.lookup is not needed', {
    'by bind to an address': (t) =>
      withoutLookup(t, async (socket) => {
        socket.bind(0, '127.0.0.1')
        await t.settle(2)
        t.attempt('address', () => socket.address().address)
      }),
    'by bind to the default address': (t) =>
      withoutLookup(t, async (socket) => {
        socket.bind(0)
        await t.settle(2)
        t.attempt('address', () => socket.address().address)
      }),
    'by connect to an address': (t) =>
      withoutLookup(t, async (socket) => {
        socket.connect(9, '127.0.0.1')
        await t.settle(2)
        t.attempt('remoteAddress', () => socket.remoteAddress())
      }),
    'except by bind to a host name': (t) =>
      withoutLookup(t, async (socket) => {
        socket.bind(0, 'a.name')
        await t.settle(2)
        t.attempt('address', () => socket.address().address)
      }),
  }),
  // From Node 22.12 on.
  ...cases('reusePort', {
    'and reuseAddr together': async (t) => {
      if (!isSince('22.12.0')) return t.log('not in this version')
      const options = { type: 'udp4', reusePort: true, reuseAddr: true }
      const one = await reader(t, options, 'one')
      const two = t.socket(options, 'two').bind(one.address().port, '127.0.0.1')
      await once(two, 'listening')
      return undefined
    },
    'of IPv6 sockets': async (t) => {
      if (!isSince('22.12.0')) return t.log('not in this version')
      const options = { type: 'udp6', reusePort: true, ipv6Only: true }
      const one = await reader(t, options, 'one')
      const two = t.socket(options, 'two').bind(one.address().port, '::1')
      await once(two, 'listening')
      return undefined
    },
    'each datagram is received by one of two': async (t) => {
      if (!isSince('22.12.0')) return t.log('not in this version')
      const options = { type: 'udp4', reusePort: true }
      const one = await reader(t, options, 'one')
      const two = t.plain(options, 'two').bind(one.address().port, '127.0.0.1')
      two.on('message', (bytes) => t.log('two got', String(bytes)))
      await once(two, 'listening')
      for (let index = 0; index < 20; index += 1) await feed(one.address(), [`${index}`])
      const got = () => t.lines.filter((line) => line.includes(' got '))
      await t.until(() => got().length >= 20)
      const texts = got().map((line) => line.replace(/^\w+ got /, ''))
      t.lines.length = 0
      t.log('got', texts.sort())
      return undefined
    },
  }),
  // From Node 22.13 on.
  ...cases('block lists', {
    'a sender that is blocked in mid-batch': listed(async (t, list) => {
      const socket = await reader(t, { type: 'udp4', receiveBlockList: list })
      socket.on('message', (bytes) => {
        if (String(bytes) === 'two') list.addAddress('127.0.0.1')
      })
      await readAll(t, socket)
    }),
    'a sender that is blocked while its datagrams are queued': listed(async (t, list) => {
      const socket = await reader(t, { type: 'udp4', receiveBlockList: list })
      const start = await hold(t, socket, SIX)
      list.addSubnet('127.0.0.0', 8)
      start()
      await t.settle(2)
    }),
    'IPv6 senders': listed(async (t, list) => {
      list.addAddress('::1', 'ipv6')
      const socket = await reader(t, { type: 'udp6', receiveBlockList: list })
      await readAll(t, socket, ['one'])
    }),
    'IPv4 senders of an IPv6 socket': listed(async (t, list) => {
      list.addAddress('127.0.0.1')
      const socket = t.plain({ type: 'udp6', receiveBlockList: list })
      socket.on('message', (bytes, { address }) => t.log('got', String(bytes), address))
      socket.bind(0)
      await once(socket, 'listening')
      await feed({ port: socket.address().port, address: '127.0.0.1' }, ['one'])
      await t.settle(2)
    }),
    'a send without a callback': listed(async (t, list) => {
      const peer = await reader(t, 'udp4', 'peer')
      list.addAddress('127.0.0.1')
      const socket = await reader(t, { type: 'udp4', sendBlockList: list })
      t.attempt('send', () => socket.send('x', peer.address().port, '127.0.0.1'))
      await t.settle(2)
    }),
    'a send before bind': listed(async (t, list) => {
      list.addAddress('127.0.0.1')
      const socket = t.socket({ type: 'udp4', sendBlockList: list })
      socket.send('x', 9, '127.0.0.1', t.callback('sent'))
      await t.seen('sent')
    }),
    'sends around a change of the list': listed(async (t, list) => {
      const peer = await reader(t, 'udp4', 'peer')
      const socket = await bindQuietly(t, t.plain({ type: 'udp4', sendBlockList: list }))
      const { port } = peer.address()
      socket.send('before', port, '127.0.0.1', t.callback('before'))
      await t.seen('before')
      list.addAddress('127.0.0.1')
      socket.send('after', port, '127.0.0.1', t.callback('after'))
      await t.seen('after')
      await t.seen('peer got')
      t.lines.sort()
    }),
    'connect, with and without a callback': listed(async (t, list) => {
      list.addAddress('127.0.0.1')
      const [one, two] = [
        t.socket({ type: 'udp4', sendBlockList: list }, 'one'),
        t.socket({ type: 'udp4', sendBlockList: list }, 'two'),
      ]
      one.connect(9, '127.0.0.1', t.callback('connected'))
      await t.seen('connected')
      two.connect(9, '127.0.0.1')
      await t.seen("two 'error'")
    }),
    'a connected socket, when its peer is blocked later': listed(async (t, list) => {
      const peer = await reader(t, 'udp4', 'peer')
      const socket = t.plain({ type: 'udp4', sendBlockList: list })
      socket.connect(peer.address().port, '127.0.0.1')
      await once(socket, 'connect')
      list.addAddress('127.0.0.1')
      socket.send('x', t.callback('sent'))
      await t.seen('sent')
      await t.settle(1)
      t.lines.sort()
    }),
  }),
  ...cases('Symbol.asyncDispose', {
    'while it binds': async (t) => {
      const socket = t.socket()
      socket.bind(0)
      t.log('resolves to', await socket[Symbol.asyncDispose]())
    },
    'after sends in the same tick, connected': async (t) => {
      const { socket } = await t.connected()
      for (const text of SIX) socket.send(text)
      t.log('is closed', (await socket[Symbol.asyncDispose]()) === undefined || !isSince('24.0.0'))
      await t.seen("peer 'message'", SIX.length)
    },
    'of a socket in a listener of close': async (t) => {
      const socket = await reader(t)
      socket.on('close', async () => t.log('resolves to', await socket[Symbol.asyncDispose]()))
      socket.close()
      await t.seen('resolves to')
    },
    'its name and length': (t) => {
      const { name, length } = t.plain()[Symbol.asyncDispose]
      t.log('function', name, length)
    },
  }),
]

/** True from Node 26 on, but not in its first minor versions. */
const HAS_SYNCHRONOUS = 'bindSync' in NodeSocket.prototype

/** A case with a socket, if this version of Node has bindSync and connectSync. */
function synchronous(work: (t: Trial, socket: Synchronous) => unknown) {
  return async (t: Trial) => {
    const socket = t.socket() as Synchronous
    if (HAS_SYNCHRONOUS) await work(t, socket)
    t.log('methods', typeof socket.bindSync, typeof socket.connectSync)
  }
}

/** A case with a block list, if this version of Node has them. */
function listed(work: (t: Trial, list: BlockList) => Promise<unknown>) {
  return async (t: Trial) => {
    if (isSince('22.13.0')) await work(t, new BlockList())
    else t.log('not in this version')
  }
}

/** Uses a socket while dns.lookup is replaced by one that never calls back. */
async function withoutLookup(t: Trial, work: (socket: Socket) => Promise<unknown>): Promise<void> {
  const { lookup } = dns
  dns.lookup = ((name: string, family: number) => t.log('looked up', name, family)) as never
  try {
    await work(t.socket())
  } finally {
    dns.lookup = lookup
  }
}
