import * as nodeDgram from 'node:dgram'
import { EventEmitter, once } from 'node:events'
import { inherits } from 'node:util'
import { cases } from '../case.js'
import { bindQuietly, readAll, reader, SIX } from '../feed.js'
import type { Trial } from '../trial.js'
import type { AnyFunction, Dgram, Socket } from '../types.js'

type Methods = Record<string, AnyFunction>

const METHODS = ['bind', 'send', 'connect', 'disconnect', 'close', 'address', 'ref', 'unref'] as const

export const inheritance = [
  ...cases('inherits and Socket.call', {
    'sends and receives': async (t) => {
      const socket = await bindQuietly(t, oldStyle(t, {}))
      socket.on('message', (bytes) => t.log('got', String(bytes)))
      socket.send('to itself', socket.address().port, '127.0.0.1', t.callback('sent'))
      await t.seen('got')
      await t.settle(1)
    },
    'reads queued datagrams': async (t) => {
      const socket = await bindQuietly(t, oldStyle(t, {}))
      socket.on('message', (bytes) => t.log('got', String(bytes)))
      await readAll(t, socket)
    },
    'with options and a listener': async (t) => {
      const lookup = (_name: string, _family: number, answer: (...args: unknown[]) => void) => {
        process.nextTick(answer, null, '127.0.0.1', 4)
      }
      const listener = (bytes: Buffer) => t.log('got', String(bytes))
      const socket = await bindQuietly(t, oldStyle(t, {}, { type: 'udp4', lookup, recvBufferSize: 20_000 }, listener))
      t.log('size', socket.getRecvBufferSize())
      socket.send('to itself', socket.address().port, 'a.name')
      await t.seen('got')
    },
    connects: async (t) => {
      const peer = await reader(t, 'udp4', 'peer')
      const socket = oldStyle(t, {})
      socket.connect(peer.address().port, '127.0.0.1')
      await once(socket, 'connect')
      for (const text of SIX) socket.send(text)
      socket.close()
      await t.seen('peer got', SIX.length)
    },
    'its own methods are called first': async (t) => {
      const peer = await reader(t, 'udp4', 'peer')
      const own = Object.fromEntries(METHODS.map((name) => [name, passedOn(t, name)]))
      const socket = oldStyle(t, own)
      await bindQuietly(t, socket)
      socket.send('x', peer.address().port, '127.0.0.1')
      await t.seen('peer got')
      socket.unref()
      socket.close()
      await once(socket, 'close')
    },
    'its own emit': async (t) => {
      const socket = oldStyle(t, {
        emit(this: Socket, event: string, ...args: unknown[]) {
          t.log('emit', event, args.length)
          return Reflect.apply(EventEmitter.prototype.emit, this, [event, ...args])
        },
      })
      await bindQuietly(t, socket)
      await readAll(t, socket, ['one', 'two'])
    },
    'a bad type': (t) => void t.attempt('new', () => oldStyle(t, {}, 'x')),
    'and a class that extends it': async (t) => {
      const Base = oldConstructor(t, {})
      class Derived extends (Base as never as new (type: string) => Socket) {
        override send(...args: unknown[]): undefined {
          t.log('derived send', args.length)
          return super.send(...args)
        }
      }
      const socket = t.adopt(new Derived('udp4'), 'derived')
      await bindQuietly(t, socket)
      socket.on('message', (bytes) => t.log('got', String(bytes)))
      socket.send('to itself', socket.address().port, '127.0.0.1')
      await t.seen('got')
    },
    'apply on an object that was created elsewhere': async (t) => {
      const object = Object.create(t.dgram.Socket.prototype)
      t.attempt('call', () => Reflect.apply(t.dgram.Socket, object, ['udp4']))
      const socket = await bindQuietly(t, t.adopt(object, 'object'))
      socket.on('message', (bytes: Buffer) => t.log('got', String(bytes)))
      await readAll(t, socket, ['one'])
    },
  }),
  ...cases('a Proxy of a socket', {
    'sends and receives': async (t) => {
      const socket = t.plain()
      const proxy = new Proxy(socket, {})
      await bindQuietly(t, proxy)
      proxy.on('message', (bytes) => t.log('got', String(bytes)))
      proxy.send('to itself', proxy.address().port, '127.0.0.1', t.callback('sent'))
      await t.seen('got')
      await t.seen('sent')
      proxy.close()
      await t.seen("socket 'close'")
    },
    'sees every call and every property that is read': async (t) => {
      const socket = t.plain()
      const proxy = new Proxy(socket, {
        get(target, name) {
          const value: unknown = Reflect.get(target, name)
          if (typeof name === 'symbol' || typeof value !== 'function') return value
          t.log('get', name)
          return value.bind(target)
        },
      })
      await bindQuietly(t, proxy)
      proxy.send('x', 9, '127.0.0.1', t.callback('sent'))
      await t.seen('sent')
      proxy.close()
    },
    'rejects what its handler rejects': async (t) => {
      const proxy = new Proxy(t.plain(), {
        get(target, name) {
          if (name === 'send') throw new Error('no sending')
          return Reflect.get(target, name)
        },
      })
      await bindQuietly(t, proxy)
      t.attempt('send', () => proxy.send('x', 9, '127.0.0.1'))
      t.attempt('type', () => proxy.type)
    },
    connected: async (t) => {
      const peer = await reader(t, 'udp4', 'peer')
      const proxy = new Proxy(t.plain(), {})
      proxy.connect(peer.address().port, '127.0.0.1')
      await once(proxy, 'connect')
      for (const text of SIX) proxy.send(text)
      proxy.close()
      await t.seen('peer got', SIX.length)
    },
  }),
  ...cases('Object.create of a socket', {
    'sends and receives': async (t) => {
      const socket = t.plain()
      const derived: Socket = Object.create(socket)
      await bindQuietly(t, derived)
      derived.on('message', (bytes) => t.log('got', String(bytes)))
      derived.send('to itself', derived.address().port, '127.0.0.1', t.callback('sent'))
      await t.seen('sent')
      await t.settle(2)
      derived.close()
      await t.settle(1)
    },
    'with a send of its own': async (t) => {
      const peer = await reader(t, 'udp4', 'peer')
      const socket = t.plain()
      await bindQuietly(t, socket)
      const derived: Socket = Object.create(socket, {
        send: { value: (text: string) => socket.send(`derived ${text}`, peer.address().port, '127.0.0.1') },
      })
      derived.send('text')
      await t.seen('peer got')
    },
    'its type': (t) => {
      const derived: Socket = Object.create(t.plain())
      t.log('type', derived.type, Object.keys(derived), 'type' in derived)
      derived.type = 'udp6'
      t.log('type', derived.type, Object.keys(derived))
    },
  }),
  ...cases('a subclass overrides', {
    'send: a message before bind is passed to it twice': async (t) => {
      const peer = await reader(t, 'udp4', 'peer')
      class Counting extends t.dgram.Socket {
        override send(...args: unknown[]): undefined {
          t.log('send', args.length, Array.isArray(args[0]))
          return super.send(...args)
        }
      }
      const socket = t.adopt(new Counting('udp4'), 'counting')
      socket.send('x', peer.address().port, '127.0.0.1')
      await t.seen('peer got')
      socket.send('y', peer.address().port, '127.0.0.1')
      await t.seen('peer got', 2)
    },
    'send, and changes each message': async (t) => {
      const peer = await reader(t, 'udp4', 'peer')
      class Shouting extends t.dgram.Socket {
        override send(message: unknown, ...args: unknown[]): undefined {
          return super.send(String(message).toUpperCase(), ...args)
        }
      }
      const socket = await bindQuietly(t, t.adopt(new Shouting('udp4'), 'shouting'))
      for (const text of SIX) socket.send(text, peer.address().port, '127.0.0.1')
      await t.seen('peer got', SIX.length)
    },
    'send, and sends each message twice': async (t) => {
      const peer = await reader(t, 'udp4', 'peer')
      class Twice extends t.dgram.Socket {
        override send(...args: unknown[]): undefined {
          super.send(...args)
          return super.send(...args)
        }
      }
      const socket = await bindQuietly(t, t.adopt(new Twice('udp4'), 'twice'))
      socket.send('x', peer.address().port, '127.0.0.1', t.callback('sent'))
      await t.seen('peer got', 2)
      await t.seen('sent', 2)
      t.lines.sort()
    },
    'bind: the implicit bind calls it': async (t) => {
      class Bound extends t.dgram.Socket {
        override bind(...args: unknown[]): this {
          t.log('bind', args)
          return super.bind(...args)
        }
      }
      const [sends, connects] = ['sends', 'connects'].map((name) => t.adopt(new Bound('udp4'), name))
      sends.send('x', 9, '127.0.0.1', t.callback('sent'))
      await t.seen('sent')
      connects.connect(9, '127.0.0.1')
      await once(connects, 'connect')
    },
    'bind: to another port': async (t) => {
      class Elsewhere extends t.dgram.Socket {
        override bind(): this {
          return super.bind({ port: 0, address: '127.0.0.5' })
        }
      }
      const socket = t.adopt(new Elsewhere('udp4'), 'elsewhere')
      socket.send('x', 9, '127.0.0.1', t.callback('sent'))
      await t.seen('sent')
      t.log('address', socket.address().address)
    },
    'close: signals, dispose and queued closes call it': async (t) => {
      class Closing extends t.dgram.Socket {
        override close(...args: unknown[]): this {
          t.log('close', args.length)
          return super.close(...args)
        }
      }
      const controller = new AbortController()
      const aborted = t.adopt(new Closing({ type: 'udp4', signal: controller.signal }), 'aborted')
      controller.abort()
      await once(aborted, 'close')
      await t.adopt(new Closing('udp4'), 'disposed')[Symbol.asyncDispose]()
      const queued = t.adopt(new Closing('udp4'), 'queued')
      queued.send('x', 9, '127.0.0.1')
      queued.close()
      await once(queued, 'close')
    },
    "on: it is called for the socket's own listeners": async (t) => {
      class Listening extends t.dgram.Socket {
        override on(event: string | symbol, listener: (...args: never[]) => void): this {
          t.log('on', String(event))
          return super.on(event, listener as never)
        }
      }
      const listener = () => {}
      const signal = new AbortController().signal
      const socket = t.adopt(new Listening({ type: 'udp4', signal }, listener), 'listening')
      t.attempt('bind', () => socket.bind(0, '127.0.0.1', t.callback('bound')))
      await t.seen('bound')
      socket.once('message', listener)
      socket.addListener('message', listener)
      const closed = once(socket, 'close')
      socket.close(t.callback('closed'))
      await closed
    },
    'address and remoteAddress': async (t) => {
      class Hidden extends t.dgram.Socket {
        override address() {
          t.log('address')
          return super.address()
        }
      }
      const socket = t.adopt(new Hidden('udp4'), 'hidden')
      await bindQuietly(t, socket)
      socket.send('x', 9, '127.0.0.1', t.callback('sent'))
      await t.seen('sent')
    },
    'with fields and private methods': async (t) => {
      class Fields extends t.dgram.Socket {
        readonly got: string[] = []
        #limit = 2
        constructor() {
          super('udp4')
          this.on('message', (bytes) => this.#keep(String(bytes)))
        }
        #keep(text: string): void {
          this.got.push(text)
          if (this.got.length === this.#limit) this.close()
        }
      }
      const socket = t.adopt(new Fields(), 'fields') as Fields
      await bindQuietly(t, socket)
      await readAll(t, socket)
      t.log('got', socket.got)
    },
    'with a constructor that returns another object': (t) => {
      class Other extends t.dgram.Socket {
        constructor() {
          super('udp4')
          this.close()
          // biome-ignore lint/correctness/noConstructorReturn: this is the case
          return { other: true } as never
        }
      }
      t.log('made', new Other())
    },
  }),
  ...cases('createSocket and methods are patched', {
    // In its own process: ts-node compiles the exports of this module to getters, the package has plain properties.
    'createSocket is a stub for a while': (t) =>
      t.program((dgram: Dgram) => {
        const { createSocket } = dgram
        console.log(Object.getOwnPropertyDescriptor(dgram, 'createSocket')?.writable)
        dgram.createSocket = (...args: unknown[]) => {
          console.log('stub', args)
          return createSocket(...args)
        }
        dgram.createSocket('udp4').close()
        new dgram.Socket('udp4').close()
        dgram.createSocket = createSocket
        dgram.createSocket('udp4').close()
      }),
    ...Object.fromEntries(
      METHODS.map((name) => [
        `${name} of the prototype`,
        (t: Trial) => patching(t, t.dgram.Socket.prototype as Methods, name),
      ]),
    ),
    ...Object.fromEntries(
      METHODS.map((name) => [
        `${name} of node:dgram's prototype`,
        (t: Trial) => patching(t, nodeDgram.Socket.prototype as never as Methods, name),
      ]),
    ),
    'send on the instance': async (t) => {
      const peer = await reader(t, 'udp4', 'peer')
      const socket = await reader(t)
      const { send } = socket
      socket.send = function (this: Socket, ...args: unknown[]) {
        t.log('send', args.length, this === socket)
        return Reflect.apply(send, this, args)
      } as never
      socket.send('x', peer.address().port, '127.0.0.1')
      await t.seen('peer got')
    },
    'send is taken from one socket and called on another': async (t) => {
      const peer = await reader(t, 'udp4', 'peer')
      const [one, two] = [await reader(t), await reader(t)]
      one.send.call(two, 'from two', peer.address().port, '127.0.0.1')
      const [, rinfo] = await once(peer, 'message')
      t.log('from two', rinfo.port === two.address().port)
    },
    'send is replaced between a queued send and its bind': async (t) => {
      const peer = await reader(t, 'udp4', 'peer')
      const socket = t.plain()
      socket.send('x', peer.address().port, '127.0.0.1')
      socket.send = (() => t.log('replaced')) as never
      await t.seen('peer got')
    },
  }),
]

/** Calls one of node:dgram's methods and logs the call. */
function passedOn(t: Trial, name: string): AnyFunction {
  return function (this: Socket, ...args: unknown[]) {
    t.log(name, args.length)
    return Reflect.apply((t.dgram.Socket.prototype as Methods)[name], this, args)
  }
}

function oldConstructor(t: Trial, methods: Methods): AnyFunction {
  const { Socket } = t.dgram
  function Extended(this: object, ...args: unknown[]): void {
    Reflect.apply(Socket, this, args)
  }
  inherits(Extended as never, Socket as never)
  Object.assign(Extended.prototype, methods)
  return Extended
}

/** A socket of a constructor in the style from before ES2015 classes. */
function oldStyle(t: Trial, methods: Methods, ...args: unknown[]): Socket {
  const Extended = oldConstructor(t, methods) as never as new (...args: unknown[]) => Socket
  return t.adopt(new Extended(...(args.length > 0 ? args : ['udp4'])), 'extended')
}

/** Uses a socket while a method of a prototype is wrapped, as a tracer does. */
async function patching(t: Trial, prototype: Methods, name: string): Promise<void> {
  const peer = await reader(t, 'udp4', 'peer')
  const own = Object.getOwnPropertyDescriptor(prototype, name)
  const original = prototype[name]
  prototype[name] = function (this: Socket, ...args: never[]) {
    t.log('called', name, args.length)
    return original.apply(this, args)
  }
  try {
    const socket = t.plain()
    await bindQuietly(t, socket)
    socket.send('one', peer.address().port, '127.0.0.1', t.callback('sent'))
    await t.seen('sent')
    socket.connect(peer.address().port, '127.0.0.1')
    await once(socket, 'connect')
    socket.send('two')
    await t.seen('peer got', 2)
    socket.disconnect()
    socket.unref().ref()
    socket.address()
    socket.close()
    await once(socket, 'close')
    // The events of the peer and of the sender can be emitted in either order.
    t.lines.sort()
  } finally {
    if (own === undefined) Reflect.deleteProperty(prototype, name)
    else Object.defineProperty(prototype, name, own)
  }
}
