import { once } from 'node:events'
import { fstatSync } from 'node:fs'
import { cases } from '../case.js'
import { bindQuietly, feed, handleOf, hold, newHandle, portOf, reader, SIX } from '../feed.js'
import { type Visit, withRemote } from '../remote.js'
import type { Trial } from '../trial.js'
import type { Dgram } from '../types.js'

// biome-ignore lint/suspicious/noExplicitAny: a socket of the child
type Child = any

export const descriptors = [
  ...cases('bind to a descriptor', {
    'is bound when it returns': async (t) => {
      const handle = newHandle()
      const socket = t.socket()
      t.attempt('bind', () => socket.bind({ fd: handle.fd }, t.callback()))
      t.log('address', socket.address())
      t.markIterations()
      await t.settle(1)
    },
    'reads queued datagrams': async (t) => {
      const handle = newHandle()
      await feed({ port: portOf(handle), address: '127.0.0.1' }, SIX)
      const socket = t.plain()
      socket.on('message', (bytes) => t.log('got', String(bytes)))
      socket.bind({ fd: handle.fd })
      await t.seen('got', SIX.length)
    },
    'reads more than one batch of queued datagrams': async (t) => {
      const handle = newHandle()
      const texts = Array.from({ length: 100 }, (_, index) => `${index}`)
      await feed({ port: portOf(handle), address: '127.0.0.1' }, texts)
      const socket = t.plain()
      const got: string[] = []
      socket.on('message', (bytes) => got.push(String(bytes)))
      socket.bind({ fd: handle.fd })
      await t.until(() => got.length >= texts.length)
      t.log('got', got.join())
    },
    'closes with queued datagrams': async (t) => {
      const handle = newHandle()
      await feed({ port: portOf(handle), address: '127.0.0.1' }, SIX)
      const socket = t.plain()
      socket.on('message', (bytes) => {
        t.log('got', String(bytes))
        if (String(bytes) === 'two') socket.close(t.callback('closed'))
      })
      socket.bind({ fd: handle.fd })
      await t.seen('closed')
    },
    exclusive: async (t) => {
      const socket = t.socket()
      t.attempt('bind', () => socket.bind({ fd: newHandle().fd, exclusive: true }))
      t.log('address', socket.address().address)
    },
    sends: async (t) => {
      const peer = await reader(t, 'udp4', 'peer')
      const socket = t.plain()
      socket.bind({ fd: newHandle().fd })
      for (const text of SIX) socket.send(text, peer.address().port, '127.0.0.1', t.callback(`sent ${text}`))
      await t.seen('peer got', SIX.length)
      await t.seen('sent', SIX.length)
      t.lines.sort()
    },
    'a second time': (t) => {
      const socket = t.socket()
      socket.bind({ fd: newHandle().fd })
      t.attempt('bind', () => socket.bind({ fd: newHandle().fd }))
    },
    'of another socket': async (t) => {
      const first = await reader(t, 'udp4', 'first')
      const second = t.plain('udp4', 'second')
      t.attempt('bind', () => second.bind({ fd: handleOf(first).fd }))
      await feed(first.address(), ['to the first'])
      await t.seen('first got')
      second.close()
      await feed(first.address(), ['after the second was closed'])
      await t.seen('first got', 2)
    },
    'of another family': async (t) => {
      const handle = newHandle()
      const socket = t.socket('udp6')
      t.attempt('bind', () => socket.bind({ fd: handle.fd }))
      t.attempt('address', () => socket.address().family)
      await feed({ port: portOf(handle), address: '127.0.0.1' }, ['hello'])
      await t.seen("socket 'message'")
      socket.send('x', 9, '::1', t.callback('sent'))
      await t.seen('sent')
    },
    'that is connected': async (t) => {
      const peer = await reader(t, 'udp4', 'peer')
      const handle = newHandle()
      handle.connect('127.0.0.1', peer.address().port)
      const socket = t.plain()
      socket.bind({ fd: handle.fd })
      t.attempt('remoteAddress', () => socket.remoteAddress())
      t.attempt('send', () => socket.send('no address', t.callback('sent')))
      t.attempt('send', () => socket.send('with address', peer.address().port, '127.0.0.1', t.callback('sent')))
      await t.seen('sent')
      t.attempt('disconnect', () => socket.disconnect())
      t.attempt('connect', () => socket.connect(peer.address().port, '127.0.0.1', t.callback('connected')))
      await t.settle(2)
    },
    'is closed with the socket': async (t) => {
      const { fd } = newHandle()
      const socket = t.plain()
      socket.bind({ fd })
      t.attempt('open', () => fstatSync(fd).isSocket())
      socket.close()
      t.attempt('at once', () => fstatSync(fd).isSocket())
      await once(socket, 'close')
    },
    'with buffer sizes': (t) => {
      const socket = t.plain({ type: 'udp4', recvBufferSize: 20_000, sendBufferSize: 30_000 })
      socket.bind({ fd: newHandle().fd })
      t.log('sizes', socket.getRecvBufferSize(), socket.getSendBufferSize())
    },
    'with a send before it': async (t) => {
      const peer = await reader(t, 'udp4', 'peer')
      const socket = t.plain()
      socket.send('x', peer.address().port, '127.0.0.1')
      t.attempt('bind', () => socket.bind({ fd: newHandle().fd }))
      await t.seen('peer got')
    },
  }),
  ...cases('bind to a handle', {
    'is bound when it returns': async (t) => {
      const socket = t.socket()
      t.attempt('bind', () => socket.bind(newHandle(), t.callback()))
      t.log('address', socket.address())
    },
    'reads queued datagrams': async (t) => {
      const handle = newHandle()
      await feed({ port: portOf(handle), address: '127.0.0.1' }, SIX)
      const socket = t.plain()
      socket.on('message', (bytes) => t.log('got', String(bytes)))
      socket.bind(handle)
      await t.seen('got', SIX.length)
      socket.send('to itself', portOf(handle), '127.0.0.1', t.callback('sent'))
      await t.seen('got', SIX.length + 1)
      await t.seen('sent')
    },
    'that is not bound': async (t) => {
      const socket = t.socket()
      t.attempt('bind', () => socket.bind(newHandle(null)))
      t.attempt('address', () => socket.address().address)
      socket.send('x', 9, '127.0.0.1', t.callback('sent'))
      await t.settle(2)
    },
    'of an unreferenced socket': (t) => {
      const handle = newHandle()
      t.plain().unref().bind(handle)
      t.log('referenced', handle.hasRef())
    },
    'closes with queued datagrams': async (t) => {
      const handle = newHandle()
      await feed({ port: portOf(handle), address: '127.0.0.1' }, SIX)
      const socket = t.plain()
      socket.on('message', (bytes) => {
        t.log('got', String(bytes))
        if (String(bytes) === 'two') process.nextTick(() => socket.close(t.callback('closed')))
      })
      socket.bind(handle)
      await t.seen('closed')
    },
    'of a socket with a lookup of its own': async (t) => {
      const lookup = (name: string, family: number, answer: (...args: unknown[]) => void) => {
        t.log('looked up', name, family)
        process.nextTick(answer, null, '127.0.0.1', 4)
      }
      const socket = t.plain({ type: 'udp4', lookup })
      socket.bind(newHandle())
      socket.send('x', 9, 'a.name', t.callback('sent'))
      await t.seen('sent')
    },
    'that is no handle': (t) => {
      const socket = t.plain()
      t.attempt('bind', () => socket.bind({ recvStart: () => t.log('recvStart') }))
    },
  }),
  ...cases('a socket sent to a child', {
    'and closed here at once: the child receives': withRemote(async (t, run) => {
      const socket = await reader(t)
      const address = socket.address()
      run(readsInChild, socket)
      socket.close()
      await t.seen("child 'ready'")
      await feed(address, SIX)
      await t.seen("child 'got'", SIX.length)
    }),
    'and closed there: the parent receives': withRemote(async (t, run) => {
      const socket = await reader(t)
      run(({ socket, say }: Visit) => (socket as Child).close(() => say('closed')), socket)
      await t.seen("child 'closed'")
      await feed(socket.address(), SIX)
      await t.seen('socket got', SIX.length)
    }),
    'and read by both: each datagram is received once': withRemote(async (t, run) => {
      const socket = await reader(t)
      run(readsInChild, socket)
      await t.seen("child 'ready'")
      for (const text of SIXTY) await feed(socket.address(), [text])
      await allGot(t, SIXTY)
    }),
    'and read by both, and closed here in a listener': withRemote(async (t, run) => {
      const socket = await reader(t)
      run(readsInChild, socket)
      await t.seen("child 'ready'")
      let left = 3
      socket.on('message', () => {
        left -= 1
        if (left === 0) socket.close()
      })
      await feed(socket.address(), SIXTY)
      await allGot(t, SIXTY)
    }),
    'in a listener, and closed in a later one': withRemote(async (t, run) => {
      const socket = await reader(t)
      socket.on('message', (bytes) => {
        if (String(bytes) === '1') run(readsInChild, socket)
        if (String(bytes) === '3') socket.close()
      })
      const address = socket.address()
      const start = await hold(t, socket, SIXTY)
      start()
      await t.seen("child 'ready'")
      // Both read: if the child is fast, it gets what should close the socket here.
      await t.until(() => t.lines.some((line) => /^(socket got|child 'got') '3'$/.test(line)))
      if (t.lines.includes("child 'got' '3'")) socket.close()
      await t.seen("socket 'close'")
      // After all others in the receive buffer.
      await feed(address, ['99'])
      await t.seen("child 'got' '99'")
      await allGot(t, [])
    }),
    'in a listener, and closed in its callback': withRemote(async (t, _run, child) => {
      const socket = await reader(t)
      socket.once('message', () => {
        child.send({ source: `(${readsInChild})` }, socket as never, () => socket.close())
      })
      const start = await hold(t, socket, SIXTY)
      start()
      await allGot(t, SIXTY)
    }),
    twice: withRemote(async (t, run) => {
      const socket = await reader(t)
      for (const count of [1, 2]) {
        run(({ socket, say }: Visit) => (socket as Child).close(() => say('closed')), socket)
        await t.seen("child 'closed'", count)
      }
      await t.seen('passed', 2)
      t.lines.sort()
    }),
    'and sends from both: from one port': withRemote(async (t, run) => {
      const peer = await reader(t, 'udp4', 'peer')
      const socket = await reader(t)
      const ports: number[] = []
      peer.on('message', (_bytes, rinfo) => ports.push(rinfo.port))
      const source = `({ socket }) => socket.send('from the child', ${peer.address().port}, '127.0.0.1')`
      run(source as never, socket)
      await t.seen('peer got')
      socket.send('from the parent', peer.address().port, '127.0.0.1', t.callback('sent'))
      await t.seen('peer got', 2)
      await t.seen('sent')
      t.log(
        'ports',
        ports.map((port) => port === socket.address().port),
      )
    }),
    'what it is in the child': withRemote(async (t, run) => {
      for (const type of ['udp4', 'udp6']) {
        const socket = await reader(t, type, type)
        run(({ socket, say }: Visit) => {
          const child = socket as Child
          say(child.type, child.constructor.name, child.address().address)
        }, socket)
        await t.seen('child', type === 'udp4' ? 1 : 2)
      }
    }),
    'that is connected': withRemote(async (t, run) => {
      const { peer, socket } = await t.connected()
      run(({ socket, say }: Visit) => {
        try {
          ;(socket as Child).remoteAddress()
        } catch (error) {
          say(String(error))
        }
        ;(socket as Child).close(() => say('closed'))
      }, socket)
      await t.seen("child 'closed'")
      await t.seen('passed')
      t.lines.sort()
      socket.send('still connected', t.callback('sent'))
      await t.seen("peer 'message'")
      peer.send('and back', socket.address().port, '127.0.0.1')
      await t.seen("socket 'message'")
    }),
    'with keepOpen': withRemote(async (t, run) => {
      const socket = await reader(t)
      run(({ socket, say }: Visit) => (socket as Child).close(() => say('closed')), socket, { keepOpen: true })
      await t.seen("child 'closed'")
      await feed(socket.address(), ['one'])
      await t.seen('socket got')
    }),
    'that was closed': withRemote(async (t, run) => {
      const socket = await reader(t)
      socket.close()
      t.attempt('send', () => run(() => {}, socket))
      await t.settle(1)
    }),
    'that is a Proxy': withRemote(async (t, run) => {
      const socket = await reader(t)
      t.attempt('send', () => run(({ say }: Visit) => say('here'), new Proxy(socket, {})))
      await t.seen('child')
    }),
    'that is of a subclass': withRemote(async (t, run) => {
      class Sub extends t.dgram.Socket {}
      const socket = await bindQuietly(t, t.adopt(new Sub('udp4'), 'sub'))
      run(({ socket, say }: Visit) => say('here', (socket as Child).type), socket)
      await t.seen('child')
    }),
    'while Error.prepareStackTrace returns no text': withRemote(async (t, run) => {
      const { prepareStackTrace } = Error
      for (const stack of [[], {}, null, undefined, 5]) {
        const socket = await reader(t)
        const address = socket.address()
        Error.prepareStackTrace = () => stack
        try {
          t.attempt('send', () => run(readsInChild, socket))
        } finally {
          Error.prepareStackTrace = prepareStackTrace
        }
        await t.seen("child 'ready'", t.lines.filter((line) => line.includes('send returned')).length)
        socket.removeAllListeners('message')
        socket.close()
        const before = t.lines.filter((line) => line.startsWith("child 'got'")).length
        await feed(address, ['one', 'two'])
        await t.seen("child 'got'", before + 2)
      }
    }),
    'with sends queued in the same tick': withRemote(async (t, run) => {
      const peer = await reader(t, 'udp4', 'peer')
      const socket = await reader(t)
      for (const text of SIX) socket.send(text, peer.address().port, '127.0.0.1')
      run(({ say }: Visit) => say('here'), socket)
      await t.seen('peer got', SIX.length)
      await t.seen('child')
      t.lines.sort()
    }),
  }),
  ...cases('a descriptor of another process', {
    'inherited by a child': (t) =>
      t.program((dgram: Dgram, path: string) => {
        const { spawn } = require('node:child_process')
        const socket = dgram.createSocket('udp4')
        socket.bind(0, '127.0.0.1', () => {
          const [symbol] = Object.getOwnPropertySymbols(socket).filter((each) => each.description === 'state symbol')
          const { fd } = Reflect.get(socket, symbol).handle
          const { port } = socket.address()
          const source = `
            const socket = require(${JSON.stringify(path)}).createSocket('udp4')
            socket.on('message', (bytes, { port }) => {
              console.log('child got', String(bytes))
              if (String(bytes) !== 'last') return
              socket.send('answer', port, '127.0.0.1', () => socket.close())
            })
            socket.bind({ fd: 3 }, () => console.log('child bound'))`
          const child = spawn(process.execPath, ['--no-deprecation', '-e', source], {
            stdio: ['ignore', 'pipe', 'inherit', fd],
          })
          socket.close()
          child.stdout.setEncoding('utf8').on('data', (text: string) => {
            console.log(text.trimEnd())
            if (!text.includes('bound')) return
            const sender = dgram.createSocket('udp4')
            sender.on('message', (bytes) => {
              console.log('parent got', String(bytes))
              sender.close()
            })
            for (const each of ['one', 'two', 'last']) sender.send(each, port, '127.0.0.1')
          })
        })
      }),
    'the workers of a cluster: shared, exclusive, and closed by one': (t) =>
      t.program((_dgram: Dgram, path: string) => {
        const cluster = require('node:cluster')
        const worker = `
          const dgram = require(${JSON.stringify(path)})
          const shared = dgram.createSocket('udp4')
          const own = dgram.createSocket('udp4')
          shared.on('message', (bytes) => process.send({ got: String(bytes) }))
          shared.bind(0, '127.0.0.1', () => {
            own.unref().bind({ port: 0, address: '127.0.0.1', exclusive: true }, () => {
              process.send({ shared: shared.address().port, own: own.address().port })
            })
          })
          process.on('message', () => shared.close(() => process.send({ closed: true })))`
        cluster.setupPrimary({ exec: 'none', execArgv: ['--no-deprecation', '-e', worker] })
        const workers = [cluster.fork(), cluster.fork()]
        const ports: { shared: number; own: number }[] = []
        let got = 0
        const sender = require('node:dgram').createSocket('udp4')
        for (const each of workers) {
          each.on('message', (message: { shared?: number; own?: number; closed?: true; got?: string }) => {
            if (message.shared !== undefined) {
              ports.push(message as { shared: number; own: number })
              if (ports.length < 2) return
              console.log('shared', ports[0].shared === ports[1].shared, 'own', ports[0].own !== ports[1].own)
              workers[0].send('close')
            } else if (message.closed) {
              console.log('closed in one')
              for (let index = 0; index < 10; index += 1) sender.send(`${index}`, ports[0].shared, '127.0.0.1')
            } else {
              got += 1
              if (got < 10) return
              console.log('the other got', got)
              sender.close()
              cluster.disconnect()
            }
          })
        }
      }),
  }),
]

const readsInChild = ({ socket, say }: Visit) => {
  ;(socket as Child).on('message', (bytes: Buffer) => say('got', String(bytes)))
  say('ready')
}

/** Waits until the texts have been received, here or in the child, and logs all of them in their order. */
async function allGot(t: Trial, texts: readonly string[]): Promise<void> {
  const got = () => t.lines.flatMap((line) => /^(?:child 'got'|socket got) '(.*)'$/.exec(line)?.[1] ?? [])
  await t.until(() => got().length >= texts.length)
  await t.settle(1)
  const numbers = got().map(Number)
  t.lines.length = 0
  t.log('got', numbers.sort((a, b) => a - b).join())
}

const SIXTY = Array.from({ length: 60 }, (_, index) => `${index}`)
