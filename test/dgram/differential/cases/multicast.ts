import { once } from 'node:events'
import { cases } from '../case.js'
import type { Trial } from '../trial.js'
import type { Socket } from '../types.js'

const GROUP = '224.0.0.200'
const GROUP6 = 'ff02::c8'
const SOURCE_GROUP = '232.1.1.200'

const GROUPS = [
  '',
  undefined,
  null,
  0,
  'x',
  '10.0.0.1',
  '256.0.0.1',
  '224.0.0.200 ',
  GROUP6,
  'localhost',
  5,
  true,
  {},
  [],
]

const INTERFACES = [
  undefined,
  null,
  '127.0.0.1',
  '0.0.0.0',
  '',
  'x',
  'lo',
  '192.0.2.1',
  '::1',
  5,
  true,
  {},
  '127.0.0.1 ',
]

const INTERFACES6 = [undefined, null, '::%lo', '::%1', '::', '::1', '', 'lo', 'x', '::%nosuch', '127.0.0.1', 5]

const NOT_TEXT = [undefined, null, 5, true, {}, []]

export const multicast = [
  ...cases('addMembership', {
    'to valid and invalid groups': async (t) =>
      each(t, GROUPS, (socket, group) => socket.addMembership(group, '127.0.0.1')),
    'to valid and invalid groups, of a new socket': async (t) => {
      for (const group of GROUPS) t.attempt(String(group), () => t.socket().addMembership(group, '127.0.0.1'))
    },
    'on valid and invalid interfaces': async (t) => {
      for (const name of INTERFACES) {
        const socket = await t.bound()
        t.attempt(String(name), () => socket.addMembership(GROUP, name))
      }
    },
    'with no arguments': async (t) => each(t, [1], (socket) => socket.addMembership()),
    twice: async (t) => each(t, [1, 2], (socket) => socket.addMembership(GROUP, '127.0.0.1')),
    'of a new socket: binds it, to all addresses': async (t) => {
      const socket = t.socket()
      t.attempt('addMembership', () => socket.addMembership(GROUP, '127.0.0.1'))
      t.attempt('address', () => socket.address())
      t.attempt('setTTL', () => socket.setTTL(5))
      t.attempt('getRecvBufferSize', () => typeof socket.getRecvBufferSize())
      await t.settle()
    },
    'of a new socket, then bind': async (t) => {
      const socket = t.socket()
      socket.addMembership(GROUP, '127.0.0.1')
      t.attempt('bind', () => socket.bind(0, t.callback()))
      await t.settle()
      t.attempt('bind again', () => socket.bind(0, t.callback()))
      await t.settle()
    },
    'of udp6': async (t) => {
      for (const group of [GROUP6, 'ff05::c8', '::1', GROUP, 'x', '']) {
        const socket = t.socket('udp6').bind(0)
        await once(socket, 'listening')
        t.attempt(group, () => socket.addMembership(group, '::%lo'))
      }
    },
    'of udp6 on valid and invalid interfaces': async (t) => {
      for (const name of INTERFACES6) {
        const socket = t.socket('udp6').bind(0)
        await once(socket, 'listening')
        t.attempt(String(name), () => socket.addMembership(GROUP6, name))
      }
    },
    'and messages are received by several members': async (t) => {
      const first = await member(t, 'first', 0)
      const { port } = first.address()
      await member(t, 'second', port)
      const sender = await t.bound('udp4', 'sender')
      sender.setMulticastInterface('127.0.0.1')
      sender.send('to the group', port, GROUP, t.callback())
      await t.seen("first 'message'")
      await t.seen("second 'message'")
      t.lines.sort()
    },
    'and after dropMembership none is received': async (t) => {
      const socket = await member(t, 'member', 0)
      const sender = await t.bound('udp4', 'sender')
      sender.setMulticastInterface('127.0.0.1')
      t.attempt('dropMembership', () => socket.dropMembership(GROUP, '127.0.0.1'))
      sender.send('to the group', socket.address().port, GROUP, t.callback())
      await t.seen('callback')
      await t.settle()
    },
    'without loopback none is received by this host': async (t) => {
      const socket = await member(t, 'member', 0)
      socket.setMulticastInterface('127.0.0.1')
      socket.setMulticastLoopback(false)
      socket.send('one', socket.address().port, GROUP, t.callback())
      await t.seen('callback')
      await t.settle()
      socket.setMulticastLoopback(true)
      socket.send('two', socket.address().port, GROUP)
      await t.seen("member 'message'")
    },
    "and the source of a udp6 message has the sender's interface": async (t) => {
      const socket = t.socket({ type: 'udp6', reuseAddr: true }).bind(0)
      await once(socket, 'listening')
      socket.addMembership(GROUP6, '::%lo')
      const sender = t.socket('udp6', 'sender').bind(0)
      await once(sender, 'listening')
      t.attempt('setMulticastInterface', () => sender.setMulticastInterface('::%lo'))
      sender.send('to the group', socket.address().port, `${GROUP6}%lo`, t.callback())
      // Not every network has a route for it.
      await t.seen('callback')
      await t.settle()
    },
  }),

  ...cases('dropMembership', {
    'of valid and invalid groups': async (t) =>
      each(t, GROUPS, (socket, group) => socket.dropMembership(group, '127.0.0.1')),
    'of a group that was never joined': async (t) => each(t, [1], (socket) => socket.dropMembership(GROUP)),
    'of a new socket': (t) => t.attempt('dropMembership', () => t.socket().dropMembership(GROUP)),
    'with no arguments': async (t) => each(t, [1], (socket) => socket.dropMembership()),
    'joined and left': async (t) => {
      const socket = await t.bound()
      t.attempt('add', () => socket.addMembership(GROUP, '127.0.0.1'))
      t.attempt('drop', () => socket.dropMembership(GROUP, '127.0.0.1'))
      t.attempt('drop', () => socket.dropMembership(GROUP, '127.0.0.1'))
      t.attempt('add', () => socket.addMembership(GROUP, '127.0.0.1'))
    },
  }),

  ...cases('source specific', {
    'membership, joined and left': async (t) => {
      const socket = await t.bound()
      t.attempt('add', () => socket.addSourceSpecificMembership('127.0.0.1', SOURCE_GROUP, '127.0.0.1'))
      t.attempt('add again', () => socket.addSourceSpecificMembership('127.0.0.1', SOURCE_GROUP, '127.0.0.1'))
      t.attempt('drop', () => socket.dropSourceSpecificMembership('127.0.0.1', SOURCE_GROUP, '127.0.0.1'))
      t.attempt('drop again', () => socket.dropSourceSpecificMembership('127.0.0.1', SOURCE_GROUP, '127.0.0.1'))
    },
    'of a new socket': (t) => {
      const socket = t.socket()
      t.attempt('add', () => socket.addSourceSpecificMembership('127.0.0.1', SOURCE_GROUP, '127.0.0.1'))
      t.attempt('address', () => socket.address())
    },
    'of sources and groups that are no strings': async (t) => {
      await each(t, NOT_TEXT, (socket, source) => socket.addSourceSpecificMembership(source, SOURCE_GROUP))
      await each(t, NOT_TEXT, (socket, group) => socket.addSourceSpecificMembership('127.0.0.1', group))
      await each(t, NOT_TEXT, (socket, source) => socket.dropSourceSpecificMembership(source, SOURCE_GROUP))
      await each(t, NOT_TEXT, (socket, group) => socket.dropSourceSpecificMembership('127.0.0.1', group))
    },
    'of invalid sources, groups and interfaces': async (t) => {
      const bad = ['', 'x', '::1', '10.0.0.1']
      await each(t, bad, (socket, source) => socket.addSourceSpecificMembership(source, SOURCE_GROUP, 'x'))
      await each(t, bad, (socket, group) => socket.addSourceSpecificMembership('127.0.0.1', group, '127.0.0.1'))
      await each(t, bad, (socket, name) => socket.addSourceSpecificMembership('127.0.0.1', SOURCE_GROUP, name))
      await each(t, bad, (socket, name) => socket.dropSourceSpecificMembership('127.0.0.1', SOURCE_GROUP, name))
    },
    'of udp6': async (t) => {
      const socket = t.socket('udp6').bind(0)
      await once(socket, 'listening')
      t.attempt('add', () => socket.addSourceSpecificMembership('::1', 'ff3e::c8', '::%lo'))
      t.attempt('drop', () => socket.dropSourceSpecificMembership('::1', 'ff3e::c8', '::%lo'))
      t.attempt('IPv4 source', () => socket.addSourceSpecificMembership('127.0.0.1', 'ff3e::c8', '::%lo'))
    },
    'messages are received from the source only': async (t) => {
      const socket = t.socket().bind(0)
      await once(socket, 'listening')
      socket.addSourceSpecificMembership('127.0.0.1', SOURCE_GROUP, '127.0.0.1')
      for (const address of ['127.0.0.2', '127.0.0.1']) {
        const sender = t.socket('udp4', address).bind(0, address)
        await once(sender, 'listening')
        sender.setMulticastInterface('127.0.0.1')
        sender.send(`from ${address}`, socket.address().port, SOURCE_GROUP, t.callback())
        await t.settle()
      }
      await t.seen("socket 'message'")
    },
  }),

  ...cases('setMulticastInterface', {
    'to valid and invalid interfaces': async (t) =>
      each(t, INTERFACES, (socket, name) => socket.setMulticastInterface(name)),
    'of a new socket': (t) => {
      for (const name of INTERFACES) t.attempt(String(name), () => t.socket().setMulticastInterface(name))
    },
    'of udp6': async (t) => {
      const socket = t.socket('udp6').bind(0)
      await once(socket, 'listening')
      for (const name of INTERFACES6) t.attempt(String(name), () => socket.setMulticastInterface(name))
    },
  }),
]

async function each<T>(t: Trial, values: readonly T[], call: (socket: Socket, value: T) => unknown): Promise<void> {
  const socket = await t.bound()
  for (const value of values) t.attempt(`of ${JSON.stringify(value)}`, () => call(socket, value))
}

async function member(t: Trial, name: string, port: number): Promise<Socket> {
  const socket = t.socket({ type: 'udp4', reuseAddr: true }, name).bind(port)
  await once(socket, 'listening')
  socket.addMembership(GROUP, '127.0.0.1')
  return socket
}
