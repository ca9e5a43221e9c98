import dns from 'node:dns'
import { once } from 'node:events'
import { cases } from '../case.js'
import type { Trial } from '../trial.js'

type Answer = (error: Error | null, address?: unknown, family?: unknown) => void

type Lookup = (name: unknown, family: unknown, answer: Answer, ...rest: unknown[]) => unknown

export const lookup = [
  ...cases('lookup', {
    'is called by bind': async (t) => {
      const socket = asking(t)
      socket.bind(0, 'a.name')
      await once(socket, 'listening')
    },
    'is called by bind for the default address': async (t) => {
      const socket = asking(t)
      socket.bind(0)
      await once(socket, 'listening')
    },
    'is called by send, even for a numeric address': async (t) => {
      const socket = asking(t)
      socket.send('x', 9, '127.0.0.1', t.callback())
      await t.seen('callback')
      socket.send('x', 9, t.callback())
      await t.seen('callback', 2)
      socket.send('x', 9, 'a.name', t.callback())
      await t.seen('callback', 3)
    },
    'is called by connect, and not by a connected send': async (t) => {
      const socket = asking(t)
      socket.connect(9)
      await once(socket, 'connect')
      socket.send('x', t.callback())
      await t.seen('callback')
    },
    'of udp6 is called with family 6': async (t) => {
      const socket = asking(t, 'udp6', '::1')
      socket.send('x', 9, t.callback())
      await t.seen('callback')
    },
    'that calls back at once: bind is done when it returns': async (t) => {
      const socket = t.socket({ type: 'udp4', lookup: atOnce })
      t.attempt('bind', () => socket.bind(0, '127.0.0.1', t.callback()))
      t.attempt('address', () => socket.address())
      const other = t.socket({ type: 'udp4', lookup: atOnce }, 'other')
      t.attempt('send', () => other.send('x', socket.address().port, '127.0.0.1', t.callback('sent')))
      t.markIterations()
      await t.seen("socket 'message'")
      await t.settle()
    },
    'that calls back at once: send and close in one tick is sent': async (t) => {
      const peer = await t.bound('udp4', 'peer')
      const socket = t.socket({ type: 'udp4', lookup: atOnce })
      socket.bind(0, '127.0.0.1')
      socket.send('x', peer.address().port, '127.0.0.1', t.callback())
      socket.close()
      await t.seen("peer 'message'")
      await t.settle()
    },
    'that calls back at once: connect is done when it returns': async (t) => {
      const socket = t.socket({ type: 'udp4', lookup: atOnce })
      t.attempt('connect', () => socket.connect(9, '127.0.0.1', t.callback()))
      t.attempt('remoteAddress', () => socket.remoteAddress())
      await t.settle()
    },
    'that fails: bind': async (t) => {
      const socket = t.socket({ type: 'udp4', lookup: failing })
      t.attempt('bind', () => socket.bind(0, 'a.name', t.callback()))
      await t.settle()
    },
    'that fails at once: bind': async (t) => {
      const socket = t.socket({ type: 'udp4', lookup: failingAtOnce })
      t.attempt('bind', () => socket.bind(0, 'a.name', t.callback()))
      t.log('bind has returned')
      await t.settle()
    },
    'that fails: send': async (t) => {
      const socket = t.socket({ type: 'udp4', lookup: failingFor('bad.name') })
      socket.send('x', 9, 'bad.name', t.callback())
      await t.seen('callback')
      socket.send('x', 9, 'bad.name')
      t.markIterations()
      await t.seen("socket 'error'")
      await t.settle()
    },
    'that throws': async (t) => {
      const thrower = () => {
        throw new Error('from lookup')
      }
      t.attempt('bind', () => t.socket({ type: 'udp4', lookup: thrower }).bind(0))
      t.attempt('send', () => t.socket({ type: 'udp4', lookup: thrower }).send('x', 9))
      await t.settle()
    },
    'that calls back late: each send waits for its own lookup': async (t) => {
      const peer = await t.bound('udp4', 'peer')
      const socket = t.socket({ type: 'udp4', lookup: slowFor('slow.name') })
      socket.bind(0, '127.0.0.1')
      await once(socket, 'listening')
      socket.send('slow', peer.address().port, 'slow.name', t.callback('slow'))
      socket.send('fast', peer.address().port, 'fast.name', t.callback('fast'))
      await t.seen("peer 'message'", 2)
      await t.settle()
    },
    'that calls back late: the socket is closed meanwhile': async (t) => {
      const socket = t.socket({ type: 'udp4', lookup: slowFor('slow.name') })
      socket.bind(0, '127.0.0.1')
      await once(socket, 'listening')
      socket.send('slow', 9, 'slow.name', t.callback('slow'))
      socket.close()
      await t.settle(10)
    },
    'that calls back twice': async (t) => {
      const peer = await t.bound('udp4', 'peer')
      const twice: Lookup = (_name, _family, answer) => {
        process.nextTick(answer, null, '127.0.0.1', 4)
        setTimeout(answer, 20, null, '127.0.0.1', 4)
      }
      const socket = t.socket({ type: 'udp4', lookup: atOnceThen(twice) })
      socket.bind(0)
      socket.send('x', peer.address().port, 'a.name', t.callback())
      await t.seen("peer 'message'", 2)
    },
    'that calls back with an invalid address: bind': async (t) => {
      for (const address of ['not numeric', '::1', '', '0.0.0.0']) {
        const socket = t.socket({ type: 'udp4', lookup: answering(address) })
        t.attempt(address, () => socket.bind(0, 'a.name'))
        await t.settle()
      }
    },
    'that calls back with an invalid address: send': async (t) => {
      for (const address of ['not numeric', '::1', '', '127.0.0.1 ']) {
        const socket = t.socket({ type: 'udp4', lookup: atOnceThen(answering(address)) })
        socket.bind(0, '127.0.0.1')
        t.attempt(address, () => socket.send('x', 9, 'a.name', t.callback()))
        await t.seen('callback')
        await t.settle()
      }
    },
    'that calls back with an invalid address: connect': async (t) => {
      for (const address of ['not numeric', '::1', '']) {
        const socket = t.socket({ type: 'udp4', lookup: atOnceThen(answering(address)) })
        socket.bind(0, '127.0.0.1')
        t.attempt(address, () => socket.connect(9, 'a.name', t.callback()))
        await t.settle()
      }
    },
    'is by default dns.lookup as it was when the socket was created': async (t) => {
      const original = dns.lookup
      const before = t.socket('udp4', 'before')
      dns.lookup = ((name: string, family: number, answer: Answer) => {
        t.log('asked', name, family)
        process.nextTick(answer, null, '127.0.0.1', 4)
      }) as never
      const after = t.socket('udp4', 'after')
      dns.lookup = original
      before.bind(0, '127.0.0.1')
      after.bind(0, 'any.name')
      await t.settle(10)
      t.lines.sort()
    },
  }),
]

function asking(t: Trial, type = 'udp4', answer = '127.0.0.1') {
  const lookup = function (this: unknown, ...args: unknown[]) {
    t.log('asked', args.slice(0, -1), typeof args.at(-1), 'this is', typeof this)
    process.nextTick(args[2] as Answer, null, answer, args[1])
  }
  return t.socket({ type, lookup })
}

const atOnce: Lookup = (_name, _family, answer) => answer(null, '127.0.0.1', 4)

const failing: Lookup = (_name, _family, answer) => process.nextTick(answer, new Error('lookup failed'))

const failingAtOnce: Lookup = (_name, _family, answer) => answer(new Error('lookup failed'))

function failingFor(bad: string): Lookup {
  return (name, family, answer) => (name === bad ? failing(name, family, answer) : atOnce(name, family, answer))
}

function slowFor(slow: string): Lookup {
  return (name, _family, answer) => setTimeout(answer, name === slow ? 30 : 0, null, '127.0.0.1', 4)
}

function answering(address: string): Lookup {
  return (_name, family, answer) => process.nextTick(answer, null, address, family)
}

/** Calls back with loopback for the first lookup, which is the one of bind. */
function atOnceThen(next: Lookup): Lookup {
  let asked = false
  return (name, family, answer) => {
    const first = !asked
    asked = true
    return first ? atOnce(name, family, answer) : next(name, family, answer)
  }
}
