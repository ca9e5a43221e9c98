import { once } from 'node:events'
import { networkInterfaces } from 'node:os'
import { cases } from '../case.js'
import type { Trial } from '../trial.js'
import type { Socket } from '../types.js'

export const ipv6 = [
  ...cases('udp6', {
    'binds to all addresses': async (t) => {
      const socket = t.socket('udp6').bind()
      await once(socket, 'listening')
      t.log('address', socket.address())
    },
    'binds to a host name': async (t) => {
      const socket = t.socket({ type: 'udp6', lookup: loopback }).bind(0, 'a.name')
      await once(socket, 'listening')
      t.log('address', socket.address())
    },
    'sends to loopback by default': async (t) => {
      const peer = await t.bound('udp6', 'peer')
      t.socket('udp6').send('x', peer.address().port, t.callback())
      await t.seen("peer 'message'")
      await t.settle()
    },
    'sends in every way': async (t) => {
      const { peer, socket } = await t.connected('udp6')
      socket.send('connected', t.callback())
      await t.seen("peer 'message'")
      socket.disconnect()
      socket.send(['list ', Buffer.from('of two')], peer.address().port, '::1', t.callback())
      await t.seen("peer 'message'", 2)
      socket.send('abcdef', 2, 2, peer.address().port, '::1', t.callback())
      await t.seen("peer 'message'", 3)
    },
    'sends to an IPv4 address: rejected': async (t) => {
      const socket = await t.bound('udp6')
      socket.send('x', 9, '127.0.0.1', t.callback())
      await t.seen('callback')
    },
    'sends to addresses in several notations': async (t) => {
      const peer = await t.bound('udp6', 'peer')
      const socket = await t.bound('udp6')
      for (const address of [
        '0:0:0:0:0:0:0:1',
        '::0001',
        '::1%lo',
        '::1%1',
        '::1%nosuch',
        '[::1]',
        '::ffff:127.0.0.1',
      ]) {
        const before = t.lines.length
        socket.send(address, peer.address().port, address, t.callback(address))
        await t.until(() => t.lines.length > before)
        await t.settle()
      }
    },
    'receives from IPv4 as mapped addresses, bound to all': async (t) => {
      const peer = t.socket('udp6', 'peer').bind(0)
      await once(peer, 'listening')
      const socket = await t.bound()
      socket.send('from IPv4', peer.address().port, '127.0.0.1')
      await t.seen("peer 'message'")
    },
    'answers a mapped address': async (t) => {
      const peer = t.socket('udp6', 'peer').bind(0)
      await once(peer, 'listening')
      peer.on('message', (bytes, { port, address }) => peer.send(bytes, port, address, t.callback()))
      const socket = await t.bound()
      socket.send('from IPv4', peer.address().port, '127.0.0.1')
      await t.seen("socket 'message'")
    },
    'bound to the mapped address': async (t) => {
      const socket = t.socket('udp6').bind(0, '::ffff:127.0.0.1')
      await once(socket, 'listening')
      t.log('address', socket.address())
    },
    'with ipv6Only does not receive from IPv4': async (t) => {
      const peer = t.socket({ type: 'udp6', ipv6Only: true }, 'peer').bind(0)
      await once(peer, 'listening')
      const { port } = peer.address()
      const socket = await t.bound()
      socket.send('from IPv4', port, '127.0.0.1', t.callback())
      await t.seen('callback')
      const socket6 = await t.bound('udp6', 'socket6')
      socket6.send('from IPv6', port, '::1', t.callback())
      await t.seen("peer 'message'")
      await t.settle()
    },
    'with ipv6Only shares its port with udp4': async (t) => {
      const six = t.socket({ type: 'udp6', ipv6Only: true }, 'six').bind(0)
      await once(six, 'listening')
      t.socket('udp4', 'four').bind(six.address().port)
      await t.seen("four 'listening'")
    },
    'without ipv6Only does not share its port with udp4': async (t) => {
      const six = t.socket('udp6', 'six').bind(0)
      await once(six, 'listening')
      t.socket('udp4', 'four').bind(six.address().port)
      await t.seen("four 'error'")
    },
    'from a link-local address: rinfo has the interface': async (t) => {
      const [name, address] = linkLocal() ?? []
      if (address === undefined) return t.log('no link-local address here')
      const socket = t.socket('udp6').bind(0)
      const sender = t.socket('udp6', 'sender').bind(0, `${address}%${name}`)
      await t.seen("socket 'listening'")
      await t.seen("sender 'listening'")
      t.log('address', sender.address())
      sender.send('x', socket.address().port, `${address}%${name}`, t.callback())
      await t.seen("socket 'message'")
    },
    '65527 bytes and one more': async (t) => {
      const { socket } = await t.connected('udp6')
      await limit(t, socket, 65527)
      await limit(t, socket, 65528)
    },
  }),
]

async function limit(t: Trial, socket: Socket, size: number): Promise<void> {
  socket.send(Buffer.alloc(size), t.callback(`${size} bytes`))
  await t.seen(`${size} bytes`)
  await t.settle()
}

function loopback(_name: string, family: number, answer: (error: null, address: string, family: number) => void): void {
  process.nextTick(answer, null, '::1', family)
}

function linkLocal(): [name: string, address: string] | undefined {
  for (const [name, addresses] of Object.entries(networkInterfaces())) {
    for (const { address, scopeid } of addresses ?? []) if (scopeid) return [name, address]
  }
  return undefined
}
