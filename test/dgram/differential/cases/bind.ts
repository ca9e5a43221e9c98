import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { createServer } from 'node:net'
import { cases } from '../case.js'
import type { Trial } from '../trial.js'

const ANY_PORT = { port: 0 }

export const bind = [
  ...cases('bind', {
    'with no arguments': (t) => binds(t),
    'with port 0': (t) => binds(t, 0),
    'with a port': async (t) => binds(t, await t.freePort()),
    "with a port as text ('0')": (t) => binds(t, '0'),
    'with a port as text': async (t) => binds(t, String(await t.freePort())),
    'with port and address': (t) => binds(t, 0, '127.0.0.1'),
    'with port, address and callback': (t) => binds(t, 0, '127.0.0.1', t.callback()),
    'with port and callback': (t) => binds(t, 0, t.callback()),
    'with a callback alone': (t) => binds(t, t.callback()),
    'with an empty object': (t) => binds(t, {}),
    'with { port }': (t) => binds(t, ANY_PORT),
    'with { port, address }': (t) => binds(t, { port: 0, address: '127.0.0.1' }),
    'with { port, address, exclusive } and callback': (t) =>
      binds(t, { port: 0, address: '127.0.0.1', exclusive: true }, t.callback()),
    'with { port } and an address argument after it, which is ignored': (t) => binds(t, ANY_PORT, '127.0.0.1'),
    'with { address: undefined }': (t) => binds(t, { address: undefined, port: undefined }),
    "with { address: '' }": (t) => binds(t, { address: '', port: 0 }),
    'with { fd: 0 }, which is ignored': (t) => binds(t, { port: 0, fd: 0 }),
    'with { fd } that is no int32, which is ignored': (t) => binds(t, { port: 0, fd: 2 ** 40 }),
    'with null': (t) => binds(t, null),
    'with null and address': (t) => binds(t, null, '127.0.0.2'),
    "with address ''": (t) => binds(t, 0, ''),
    'with address null': (t) => binds(t, 0, null),
    'with a host name': (t) => binds(t, 0, 'localhost'),
    'to another loopback address': (t) => binds(t, 0, '127.9.8.7'),
    'with a callback that is not the last argument, which is ignored': (t) => binds(t, 0, t.callback(), undefined),
    'undefined as callback': (t) => binds(t, 0, '127.0.0.1', undefined),
    'a callback that is no function': (t) => binds(t, 0, '127.0.0.1', 'callback'),
    'callback and listener: in the order they were added': async (t) => {
      const socket = t.plain()
      socket.on('listening', () => t.log('first'))
      socket.bind(0, t.callback())
      socket.on('listening', () => t.log('last'))
      await once(socket, 'listening')
      await t.settle()
      t.log('listeners left', socket.listenerCount('listening'), socket.listenerCount('error'))
    },
    'listeners that a callback adds until bind is done': (t) => {
      const socket = t.plain()
      socket.bind(0, t.callback())
      t.log('listeners', socket.listenerCount('listening'), socket.listenerCount('error'))
    },
    'is done after the tick, before the next loop iteration': async (t) => {
      const socket = t.socket()
      socket.bind(0)
      t.markIterations()
      await once(socket, 'listening')
      await t.settle()
    },
    'the socket is bound when listening is emitted': async (t) => {
      const socket = t.socket()
      socket.bind(0, '127.0.0.1', () => t.log('address', socket.address()))
      await once(socket, 'listening')
    },
    'an exception in the callback': async (t) => {
      const socket = t.socket()
      socket.bind(0, '127.0.0.1', () => {
        throw new Error('from the callback')
      })
      await t.seen('uncaught')
      t.log('address', socket.address())
    },
    'applies the buffer sizes before listening is emitted': async (t) => {
      const socket = t.socket({ type: 'udp4', recvBufferSize: 20_000, sendBufferSize: 30_000 })
      socket.bind(0, () => t.log('sizes', socket.getRecvBufferSize(), socket.getSendBufferSize()))
      await once(socket, 'listening')
    },
  }),

  ...cases('bind accepts any port', {
    'beyond 65535, and masks it': async (t) => {
      for (const port of [65536, 2 ** 32, 2 ** 16 * 5]) await bindsOnce(t, port)
    },
    'that is no number': async (t) => {
      for (const port of ['', 'abc', Number.NaN, true, false, [], undefined, '0x0', ' 0 ']) await bindsOnce(t, port)
    },
    'that is a fraction': (t) => bindsOnce(t, 0.5),
    'that is a function without being last': (t) => bindsOnce(t, () => {}, '127.0.0.1'),
    'that is a symbol or a bigint: rejected': async (t) => {
      for (const port of [Symbol('port'), 0n, 10n]) await bindsOnce(t, port)
    },
  }),

  ...cases('bind fails', {
    twice: async (t) => {
      const socket = t.socket()
      socket.bind(0)
      t.attempt('at once', () => socket.bind(0))
      await once(socket, 'listening')
      t.attempt('when bound', () => socket.bind(0))
      t.attempt('with callback', () => socket.bind(0, t.callback()))
      t.log('listeners', socket.listenerCount('listening'))
    },
    'after close': (t) => {
      const socket = t.socket()
      socket.close()
      t.attempt('bind()', () => socket.bind())
    },
    'on a used port': async (t) => {
      const port = (await t.bound()).address().port
      const second = t.socket('udp4', 'second')
      t.attempt('bind', () => second.bind(port, '127.0.0.1', t.callback()))
      await t.seen("second 'error'")
      t.log('listeners', second.listenerCount('listening'), second.listenerCount('error'))
      second.bind(0, '127.0.0.1')
      await once(second, 'listening')
    },
    'on a used port given as text': async (t) => {
      const port = (await t.bound()).address().port
      t.socket('udp4', 'second').bind(String(port), '127.0.0.1')
      await t.seen("second 'error'")
    },
    'on a used port, without an error listener': async (t) => {
      const port = (await t.bound()).address().port
      t.plain('udp4', 'second').bind(port, '127.0.0.1')
      await t.seen('uncaught')
    },
    'on a used port, with a callback and without an error listener': async (t) => {
      const port = (await t.bound()).address().port
      const second = t.plain('udp4', 'second').bind(port, '127.0.0.1', t.callback())
      await t.settle()
      t.log('listeners', second.listenerCount('listening'), second.listenerCount('error'))
    },
    'on an address of another host': (t) => fails(t, 'udp4', 0, '192.0.2.1'),
    'on an address of another host, with a port': (t) => fails(t, 'udp4', 9999, '192.0.2.1'),
    'on an address of another host, given in an object': (t) => fails(t, 'udp4', { port: 9999, address: '192.0.2.1' }),
    'udp4 on an IPv6 address': (t) => fails(t, 'udp4', 0, '::1'),
    'udp6 on an IPv4 address': (t) => fails(t, 'udp6', 0, '127.0.0.1'),
    'with ipv6Only on udp4': (t) => fails(t, { type: 'udp4', ipv6Only: true }, 0, '127.0.0.1'),
    'on a host name that does not exist': (t) => fails(t, 'udp4', 0, 'no..such.host'),
    'on an address that is no text': async (t) => {
      for (const address of [5, true, {}, []]) {
        const socket = t.socket()
        t.attempt(`bind(0, ${JSON.stringify(address)})`, () => socket.bind(0, address))
        await t.settle()
      }
    },
    'again after a failure': async (t) => {
      const socket = t.socket()
      socket.bind(0, '192.0.2.1')
      await once(socket, 'error')
      t.attempt('address()', () => socket.address().address)
      socket.bind(0, '127.0.0.1')
      await t.settle()
      t.attempt('address()', () => socket.address())
    },
    'on a descriptor that is no socket': (t) => {
      const fd = openSync('/dev/null', 'r')
      t.attempt('bind({ fd })', () => t.socket().bind({ fd }))
      closeSync(fd)
    },
    'on a descriptor that is a TCP socket': async (t) => {
      const server = createServer().listen(0, '127.0.0.1')
      await once(server, 'listening')
      const { fd } = (server as unknown as { _handle: { fd: number } })._handle
      t.attempt('bind({ fd })', () => t.socket().bind({ fd }))
      server.close()
    },
    'on a descriptor that is not open': (t) => t.attempt('bind({ fd })', () => t.socket().bind({ fd: 2 ** 20 })),
  }),

  ...cases('reuseAddr', {
    'two sockets share a port': (t) => sharePort(t, true, true),
    'the second alone does not share': (t) => sharePort(t, false, true),
    'the first alone does not share': (t) => sharePort(t, true, false),
    'any truthy value switches it on': (t) => sharePort(t, 1, 'yes'),
  }),
]

async function binds(t: Trial, ...args: unknown[]): Promise<void> {
  const socket = t.socket()
  t.attempt('bind', () => socket.bind(...args))
  await t.seen("socket 'listening'")
  t.log('address', socket.address())
  t.log('listeners', socket.listenerCount('listening'), socket.listenerCount('error'))
}

async function bindsOnce(t: Trial, ...args: unknown[]): Promise<void> {
  const socket = t.socket()
  t.attempt('bind', () => socket.bind(...args))
  await t.settle()
  t.attempt('address', () => socket.address())
}

async function fails(t: Trial, options: unknown, ...args: unknown[]): Promise<void> {
  const socket = t.socket(options)
  t.attempt('bind', () => socket.bind(...args, t.callback()))
  await t.seen("socket 'error'")
  await t.settle()
}

async function sharePort(t: Trial, first: unknown, second: unknown): Promise<void> {
  const one = await t.bound({ type: 'udp4', reuseAddr: first }, 'first')
  t.socket({ type: 'udp4', reuseAddr: second }, 'second').bind(one.address().port, '127.0.0.1')
  await t.settle()
}
