import { once } from 'node:events'
import { isIP } from 'node:net'
import { cases } from '../case.js'
import { LOOPBACK, type Trial } from '../trial.js'
import type { Socket } from '../types.js'

const BAD_PORTS = [0, '0', '', ' ', -1, 1.5, 65536, Number.NaN, '70000', 'abc', null, undefined, {}, [], true, () => {}]

export const connect = [
  ...cases('connect', {
    'with a port alone: to loopback': (t) => connects(t, 'udp4', (port) => [port]),
    'with port and address': (t) => connects(t, 'udp4', (port) => [port, '127.0.0.1']),
    'with port and callback': (t) => connects(t, 'udp4', (port) => [port, t.callback()]),
    'with port, address and callback': (t) => connects(t, 'udp4', (port) => [port, '127.0.0.1', t.callback()]),
    "with address ''": (t) => connects(t, 'udp4', (port) => [port, '', t.callback()]),
    'with address undefined': (t) => connects(t, 'udp4', (port) => [port, undefined, t.callback()]),
    'with a host name': (t) => connects(t, 'udp4', (port) => [port, 'localhost', t.callback()]),
    'with a port as text': (t) => connects(t, 'udp4', (port) => [String(port), '127.0.0.1']),
    'udp6 with a port alone: to loopback': (t) => connects(t, 'udp6', (port) => [port]),
    'of a bound socket': async (t) => {
      const peer = await t.bound('udp4', 'peer')
      const socket = await t.bound()
      t.attempt('connect', () => socket.connect(peer.address().port, '127.0.0.1', t.callback()))
      t.markIterations()
      await once(socket, 'connect')
      await t.settle()
      t.log('addresses', peer.address(), socket.address(), socket.remoteAddress())
    },
    'of an unbound socket: order of the events': async (t) => {
      const socket = t.socket()
      t.attempt('connect', () => socket.connect(9))
      t.markIterations()
      await once(socket, 'connect')
      await t.settle()
    },
    'receives from its peer only': async (t) => {
      const { peer, socket } = await t.connected()
      const stranger = await t.bound('udp4', 'stranger')
      stranger.send('from a stranger', socket.address().port, '127.0.0.1')
      peer.send('from the peer', socket.address().port, '127.0.0.1')
      await t.seen("socket 'message'")
      await t.settle()
    },
    'and disconnect, and connect elsewhere': async (t) => {
      const { socket } = await t.connected()
      t.attempt('disconnect', () => socket.disconnect())
      t.attempt('remoteAddress', () => socket.remoteAddress())
      const other = await t.bound('udp4', 'other')
      socket.connect(other.address().port)
      await once(socket, 'connect')
      socket.send('to the other')
      await t.seen("other 'message'")
      t.log('addresses', other.address(), socket.remoteAddress())
    },
    'after a disconnect it receives from every sender, and sends to any address': async (t) => {
      const peer = await t.bound('udp4', 'peer')
      const socket = t.socket().bind(await t.freePort(), '127.0.0.1')
      socket.connect(peer.address().port)
      await once(socket, 'connect')
      socket.disconnect()
      const stranger = await t.bound('udp4', 'stranger')
      stranger.send('from a stranger', socket.address().port, '127.0.0.1')
      await t.seen("socket 'message'")
      socket.send('back', stranger.address().port, '127.0.0.1', t.callback())
      await t.seen("stranger 'message'")
      peer.send('from the peer', socket.address().port)
      await t.seen("socket 'message'", 2)
    },
    'within the listening listener': async (t) => {
      const socket = t.socket()
      socket.bind(0, '127.0.0.1', () => socket.connect(9, t.callback()))
      await once(socket, 'connect')
      await t.settle()
    },
    'and close at once': async (t) => {
      const socket = t.socket()
      socket.connect(9, '127.0.0.1', t.callback())
      t.attempt('close', () => socket.close())
      await t.seen("socket 'close'")
      await t.settle()
    },
    'of a bound socket, and close at once': async (t) => {
      const socket = await t.bound()
      socket.connect(9, '127.0.0.1', t.callback())
      t.attempt('close', () => socket.close())
      await t.settle()
    },
    'sends queued before it': async (t) => {
      const peer = await t.bound('udp4', 'peer')
      const socket = t.socket()
      const { port } = peer.address()
      socket.send('first', port, '127.0.0.1', t.callback('first'))
      socket.connect(port, '127.0.0.1', t.callback('connected'))
      socket.send('second', port, '127.0.0.1', t.callback('second'))
      await t.seen('second')
      await t.settle()
    },
    'listeners that it adds': async (t) => {
      const socket = await t.bound()
      socket.connect(9, t.callback())
      t.log('listeners', socket.listenerCount('connect'))
      await once(socket, 'connect')
      t.log('listeners', socket.listenerCount('connect'))
    },
  }),

  ...cases('connect refuses', {
    'bad ports': (t) => {
      const socket = t.socket()
      for (const port of BAD_PORTS) t.attempt(String(port), () => socket.connect(port, '127.0.0.1'))
      t.attempt('disconnect', () => socket.disconnect())
    },
    'a bigint as port': (t) => t.attempt('connect', () => t.socket().connect(9n)),
    'bad addresses': (t) => {
      const socket = t.socket()
      for (const address of [null, 1, true, {}, []]) t.attempt(String(address), () => socket.connect(9, address))
    },
    'a second time': async (t) => {
      const { socket } = await t.connected()
      t.attempt('connect', () => socket.connect(9))
      t.attempt('with callback', () => socket.connect(9, t.callback()))
      t.attempt('bad port first', () => socket.connect(0))
      t.log('listeners', socket.listenerCount('connect'))
    },
    'while it connects': async (t) => {
      const socket = t.socket()
      socket.connect(9)
      t.attempt('connect', () => socket.connect(9))
      t.attempt('disconnect', () => socket.disconnect())
      t.attempt('remoteAddress', () => socket.remoteAddress())
      await once(socket, 'connect')
    },
    'a closed socket': (t) => {
      const socket = t.socket()
      socket.close()
      t.attempt('connect', () => socket.connect(9))
      t.attempt('bad port', () => socket.connect(0))
    },
    'a closed socket that was bound': async (t) => {
      const socket = await t.bound()
      socket.close()
      t.attempt('connect', () => socket.connect(9))
    },
    'a callback that is no function': async (t) => {
      const socket = await t.bound()
      t.attempt('connect', () => socket.connect(9, '127.0.0.1', 'callback'))
      await t.settle()
    },
  }),

  ...cases('connect fails', {
    'on a host name that does not exist': (t) => failsWith(t, 'udp4', 'no..such.host'),
    'on an address of another family': (t) => failsWith(t, 'udp4', '::1'),
    'udp6 on an IPv4 address': (t) => failsWith(t, 'udp6', '127.0.0.1'),
    'without an error listener and without a callback': async (t) => {
      const socket = t.plain()
      socket.connect(9, '::1')
      await t.seen('uncaught')
    },
    'and may be tried again': async (t) => {
      const socket = await t.bound()
      socket.connect(9, '::1', t.callback('failed'))
      await t.seen('failed')
      t.attempt('disconnect', () => socket.disconnect())
      socket.connect(9, '127.0.0.1', t.callback('connected'))
      await t.seen('connected')
      t.log('listeners', socket.listenerCount('connect'))
    },
    'because the implicit bind does': async (t) => {
      const socket = t.socket({ type: 'udp4', lookup: noLookup })
      socket.connect(9, '127.0.0.1', t.callback())
      await t.seen("socket 'error'")
      await t.settle()
      t.attempt('connect again', () => socket.connect(9))
    },
  }),

  ...cases('disconnect and remoteAddress', {
    'of a new socket': (t) => neither(t, t.socket()),
    'of a bound socket': async (t) => neither(t, await t.bound()),
    'of a disconnected socket': async (t) => {
      const { socket } = await t.connected()
      socket.disconnect()
      neither(t, socket)
    },
    'of a closed socket': async (t) => {
      const { socket } = await t.connected()
      socket.close()
      t.attempt('remoteAddress', () => socket.remoteAddress())
    },
    'of a socket closed unconnected': async (t) => {
      const socket = await t.bound()
      socket.close()
      neither(t, socket)
    },
    'keys of what remoteAddress returns': async (t) => {
      const { socket } = await t.connected('udp6')
      t.log('remote', socket.remoteAddress(), Object.keys(socket.remoteAddress()))
    },
    'disconnect releases a port that the kernel chose': async (t) => {
      const { socket } = await t.connected()
      const before = socket.address()
      socket.disconnect()
      t.log('addresses', before, socket.address())
    },
    'disconnect keeps a port that was requested': async (t) => {
      const socket = t.socket().bind(await t.freePort(), '127.0.0.1')
      socket.connect(9)
      await once(socket, 'connect')
      const before = socket.address()
      socket.disconnect()
      t.log('addresses', before, socket.address())
    },
  }),
]

async function connects(t: Trial, type: string, args: (port: number) => unknown[]): Promise<void> {
  const peer = await t.bound(type, 'peer')
  const socket = t.socket(type)
  t.attempt('connect', () => socket.connect(...args(peer.address().port)))
  await t.seen("socket 'connect'")
  await t.settle()
  t.log('local address', socket.address().address)
  t.log('remote address', socket.remoteAddress())
  socket.send('hello')
  await t.seen("peer 'message'")
}

async function failsWith(t: Trial, type: string, address: string): Promise<void> {
  const [one, two] = [t.socket(type, 'one'), t.socket(type, 'two')]
  one.bind(0, LOOPBACK[type])
  await once(one, 'listening')
  one.connect(9, address, t.callback())
  // The time that a failing lookup takes is random.
  if (isIP(address)) t.markIterations()
  await t.seen('callback')
  await t.settle()
  two.connect(9, address)
  await t.seen("two 'error'")
  t.log('listeners', one.listenerCount('connect'), two.listenerCount('connect'))
}

function neither(t: Trial, socket: Socket): void {
  t.attempt('disconnect', () => socket.disconnect())
  t.attempt('remoteAddress', () => socket.remoteAddress())
}

function noLookup(_name: string, _family: number, callback: (error: Error) => void): void {
  process.nextTick(callback, new Error('no lookup here'))
}
