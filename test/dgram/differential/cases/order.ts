import { once } from 'node:events'
import { cases } from '../case.js'
import type { Trial } from '../trial.js'

export const order = [
  ...cases('send before bind', {
    'binds to every address': async (t) => {
      const socket = t.socket()
      t.attempt('send', () => socket.send('x', 9, '127.0.0.1'))
      t.attempt('address at once', () => socket.address())
      await once(socket, 'listening')
      t.log('address', socket.address())
    },
    'udp6 binds to every address': async (t) => {
      const socket = t.socket('udp6')
      socket.send('x', 9, '::1', t.callback())
      await t.seen('callback')
      t.log('address', socket.address())
    },
    'then bind is rejected': async (t) => {
      const socket = t.socket()
      socket.send('x', 9, '127.0.0.1')
      t.attempt('bind at once', () => socket.bind(0))
      await once(socket, 'listening')
      t.attempt('bind when bound', () => socket.bind(0))
    },
    'many sends keep their order': async (t) => {
      const peer = await t.bound('udp4', 'peer')
      const socket = t.socket()
      for (let index = 0; index < 20; index += 1) {
        socket.send(`message ${index}`, peer.address().port, '127.0.0.1', t.callback(`callback ${index}`))
      }
      await t.seen("peer 'message'", 20)
      await t.settle()
    },
    'while a bind with a callback is pending': async (t) => {
      const peer = await t.bound('udp4', 'peer')
      const socket = t.socket()
      socket.bind(0, '127.0.0.1', t.callback('bound'))
      socket.send('queued', peer.address().port, '127.0.0.1', t.callback('sent'))
      await t.seen("peer 'message'")
      await t.settle()
    },
    'order of the ticks and the callback': async (t) => {
      const socket = t.socket()
      socket.send('x', 9, '127.0.0.1', t.callback())
      t.markIterations()
      await t.seen('callback')
      await t.settle()
    },
    'from a listening listener: after the queued ones': async (t) => {
      const peer = await t.bound('udp4', 'peer')
      const socket = t.socket()
      const { port } = peer.address()
      socket.once('listening', () => socket.send('from the listener', port, '127.0.0.1', t.callback('listener')))
      socket.send('queued', port, '127.0.0.1', t.callback('queued'))
      socket.once('listening', () => socket.send('from a later listener', port, '127.0.0.1', t.callback('later')))
      await t.seen("peer 'message'", 3)
      await t.settle()
    },
    'listeners that the queue adds': async (t) => {
      const socket = t.plain()
      socket.send('x', 9, '127.0.0.1')
      socket.send('x', 9, '127.0.0.1')
      t.log('listeners', socket.listenerCount('listening'), socket.listenerCount('error'))
      await once(socket, 'listening')
      t.log('listeners', socket.listenerCount('listening'), socket.listenerCount('error'))
    },
    'the bytes are read when bind is done': async (t) => {
      const peer = await t.bound('udp4', 'peer')
      const bytes = Buffer.from('before')
      t.socket().send(bytes, peer.address().port, '127.0.0.1')
      bytes.write('after!')
      await t.seen("peer 'message'")
    },
    'a list is read at once': async (t) => {
      const peer = await t.bound('udp4', 'peer')
      const list = ['before']
      t.socket().send(list, peer.address().port, '127.0.0.1')
      list[0] = 'after'
      list.push('more')
      await t.seen("peer 'message'")
    },
    'the bind fails: queued sends are discarded': async (t) => {
      const used = await t.bound('udp4', 'used')
      const socket = t.socket()
      socket.bind(used.address().port, '127.0.0.1')
      socket.send('x', 9, '127.0.0.1', t.callback('first'))
      await t.seen("socket 'error'")
      await t.settle()
      t.attempt('send again', () => socket.send('y', used.address().port, '127.0.0.1', t.callback('second')))
      await t.seen("used 'message'")
    },
    'an error event of any kind while it binds: queued sends are discarded': async (t) => {
      const peer = await t.bound('udp4', 'peer')
      const socket = t.socket()
      socket.send('x', peer.address().port, '127.0.0.1', t.callback())
      socket.emit('error', new Error('made up'))
      await once(socket, 'listening')
      await t.settle()
    },
    'a listening event that is emitted by hand': async (t) => {
      const socket = t.socket()
      socket.send('x', 9, '127.0.0.1', t.callback())
      t.attempt('emit', () => socket.emit('listening'))
      await t.settle()
    },
  }),

  ...cases('send when bound', {
    'order of the ticks and the callback': async (t) => {
      const socket = await t.bound()
      socket.send('x', 9, '127.0.0.1', t.callback())
      t.markIterations()
      await t.seen('callback')
      await t.settle()
    },
    'connected, order of the ticks and the callback': async (t) => {
      const { socket } = await t.connected()
      socket.send('x', t.callback())
      t.markIterations()
      await t.seen('callback')
      await t.settle()
    },
    'the bytes are read after the tick': async (t) => {
      const peer = await t.bound('udp4', 'peer')
      const socket = await t.bound()
      const bytes = Buffer.from('before')
      socket.send(bytes, peer.address().port, '127.0.0.1')
      bytes.write('after!')
      await t.seen("peer 'message'")
    },
    'connected, the bytes are read at once': async (t) => {
      const { socket } = await t.connected()
      const bytes = Buffer.from('before')
      socket.send(bytes)
      bytes.write('after!')
      await t.seen("peer 'message'")
    },
    'the bytes may be changed in the callback': async (t) => {
      const { socket } = await t.connected()
      const bytes = Buffer.from('first ')
      socket.send(bytes, () => {
        bytes.write('second')
        socket.send(bytes, () => bytes.write('third!'))
      })
      await t.seen("peer 'message'", 2)
    },
    'from within callbacks': async (t) => {
      const peer = await t.bound('udp4', 'peer')
      const socket = await t.bound()
      const { port } = peer.address()
      let left = 5
      const next = () => {
        left -= 1
        if (left > 0) socket.send(`${left} left`, port, '127.0.0.1', next)
      }
      next()
      await t.seen("peer 'message'", 4)
    },
    'callbacks in the order of the sends, each before what it queues': async (t) => {
      const socket = await t.bound()
      for (const name of ['one', 'two', 'three']) {
        socket.send(name, 9, '127.0.0.1', () => {
          t.log(name)
          process.nextTick(() => t.log(`tick of ${name}`))
          Promise.resolve().then(() => t.log(`promise of ${name}`))
        })
      }
      await t.settle()
    },
    'an exception in a callback': async (t) => {
      const peer = await t.bound('udp4', 'peer')
      const socket = await t.bound()
      const { port } = peer.address()
      socket.send('one', port, '127.0.0.1', () => {
        throw new Error('from the callback')
      })
      socket.send('two', port, '127.0.0.1', t.callback('two'))
      await t.seen("peer 'message'", 2)
      await t.settle()
      // The events of the peer and of the sender can be emitted in either order.
      t.lines.sort()
    },
    'an exception in an error listener': async (t) => {
      const socket = t.plain()
      socket.on('error', () => {
        throw new Error('from the listener')
      })
      socket.send('x', 9, 'no..such.host')
      await t.seen('uncaught')
    },
    'messages of different sizes': async (t) => {
      const peer = await t.bound('udp4', 'peer')
      const socket = await t.bound()
      const sizes = [1, 1, 1400, 1400, 1400, 700, 0, 1400, 2000, 2000, 9000, 1, 1]
      for (const size of sizes)
        socket.send(Buffer.alloc(size, size), peer.address().port, '127.0.0.1', t.callback(`${size}`))
      await t.seen("peer 'message'", sizes.length)
    },
    'to two peers alternately': async (t) => {
      const peers = [await t.bound('udp4', 'one'), await t.bound('udp4', 'two')]
      const socket = await t.bound()
      for (let index = 0; index < 10; index += 1) {
        socket.send(`message ${index}`, peers[index % 2].address().port, '127.0.0.1', t.callback())
      }
      await t.seen('callback', 10)
      await t.settle()
      t.lines.sort()
    },
    'four hundred in a tick all arrive, once and in order': async (t) => {
      const peer = t.plain({ type: 'udp4', recvBufferSize: 1 << 22 }, 'peer')
      peer.bind(0, '127.0.0.1')
      await once(peer, 'listening')
      const socket = await t.bound()
      const got: string[] = []
      peer.on('message', (bytes) => got.push(String(bytes)))
      let called = 0
      for (let index = 0; index < 400; index += 1) {
        socket.send(String(index), peer.address().port, '127.0.0.1', () => {
          called += 1
        })
      }
      await t.until(() => got.length >= 400 && called >= 400)
      await t.settle()
      t.log(
        'got',
        got.length,
        called,
        got.every((text, index) => text === String(index)),
      )
    },
    'the length of the send queue': (t) => queueLengths(t),
  }),
]

async function queueLengths(t: Trial): Promise<void> {
  const socket = t.socket()
  t.log('unbound', socket.getSendQueueSize(), socket.getSendQueueCount())
  socket.send('x', 9, '127.0.0.1')
  t.log('binding', socket.getSendQueueSize(), socket.getSendQueueCount())
  await once(socket, 'listening')
  t.log('bound', socket.getSendQueueSize(), socket.getSendQueueCount())
  socket.send('x', 9, '127.0.0.1', t.callback())
  await t.seen('callback')
  t.log('sent', socket.getSendQueueSize(), socket.getSendQueueCount())
}
