import { EventEmitter, errorMonitor, on, once } from 'node:events'
import { cases } from '../case.js'
import { bindQuietly, feed, hold, readAll, reader, SIX } from '../feed.js'
import type { Trial } from '../trial.js'
import type { Socket } from '../types.js'

type Listener = (bytes: Buffer) => void

/** Ways to add a listener again after the only one was removed. */
const AGAIN: Readonly<Record<string, (work: () => void) => unknown>> = {
  'in the listener': (work) => work(),
  'in a tick': (work) => process.nextTick(work),
  'in a promise': (work) => Promise.resolve().then(work),
  'in a microtask': (work) => queueMicrotask(work),
  'in a tick of a promise': (work) => Promise.resolve().then(() => process.nextTick(work)),
  'in a promise of a tick': (work) => process.nextTick(() => Promise.resolve().then(work)),
  'after ten awaits': async (work) => {
    for (let index = 0; index < 10; index += 1) await null
    work()
  },
}

export const listeners = [
  ...cases(
    'once, and again',
    Object.fromEntries(
      Object.entries(AGAIN).map(([when, again]) => [
        when,
        async (t: Trial) => {
          const socket = await silent(t)
          const next = () =>
            socket.once('message', (bytes) => {
              t.log('got', String(bytes))
              again(next)
            })
          next()
          await readAll(t, socket)
        },
      ]),
    ),
  ),
  ...cases('listeners change in a batch', {
    'the only one is removed: the other datagrams are dropped': async (t) => {
      const socket = await silent(t)
      const only: Listener = (bytes) => {
        t.log('only', String(bytes))
        if (String(bytes) === 'two') socket.off('message', only)
      }
      socket.on('message', only)
      await readAll(t, socket)
      socket.on('message', only)
      await readAll(t, socket, ['later'])
    },
    'the only one is replaced': async (t) => {
      const socket = await silent(t)
      const second = logged(t, 'second')
      const first: Listener = (bytes) => {
        t.log('first', String(bytes))
        if (String(bytes) === 'two') socket.off('message', first).on('message', second)
      }
      socket.on('message', first)
      await readAll(t, socket)
    },
    'one is added: from the next message on': async (t) => {
      const socket = await reader(t)
      onText(socket, 'two', () => socket.on('message', logged(t, 'added')))
      await readAll(t, socket)
    },
    'one is added in a promise: from the next message on': async (t) => {
      const socket = await reader(t)
      onText(socket, 'two', () => Promise.resolve().then(() => socket.on('message', logged(t, 'added'))))
      await readAll(t, socket)
    },
    'one is prepended': async (t) => {
      const socket = await reader(t)
      onText(socket, 'two', () => socket.prependListener('message', logged(t, 'prepended')))
      await readAll(t, socket)
    },
    'one is prepended with once': async (t) => {
      const socket = await reader(t)
      onText(socket, 'two', () => socket.prependOnceListener('message', logged(t, 'prepended once')))
      await readAll(t, socket)
    },
    'one is removed by the one before it': async (t) => {
      const socket = await silent(t)
      const second = logged(t, 'second')
      socket.on('message', (bytes) => {
        t.log('first', String(bytes))
        if (String(bytes) === 'two') socket.off('message', second)
      })
      socket.on('message', second)
      await readAll(t, socket)
    },
    'all are removed': async (t) => {
      const socket = await reader(t)
      onText(socket, 'two', () => socket.removeAllListeners('message'))
      socket.on('message', logged(t, 'second'))
      await readAll(t, socket)
    },
    'all of all events are removed': async (t) => {
      const socket = await reader(t)
      onText(socket, 'two', () => socket.removeAllListeners())
      await readAll(t, socket)
      t.log('events', socket.eventNames())
    },
    'all are removed, and one is added in a promise': async (t) => {
      const socket = await reader(t)
      onText(socket, 'two', async () => {
        socket.removeAllListeners('message')
        await null
        socket.on('message', logged(t, 'added'))
      })
      await readAll(t, socket)
    },
    'one per message, each with once': async (t) => {
      const socket = await silent(t)
      for (const name of ['a', 'b', 'c']) socket.once('message', logged(t, name))
      await readAll(t, socket)
    },
    'one is added in the listener of newListener': async (t) => {
      const socket = await silent(t)
      socket.once('newListener', () => socket.on('message', logged(t, 'first')))
      socket.on('message', logged(t, 'second'))
      await readAll(t, socket, ['one', 'two'])
    },
    'one is added in the listener of removeListener': async (t) => {
      const socket = await silent(t)
      socket.on('removeListener', (event) => {
        if (event === 'message') socket.once('message', logged(t, 'again'))
      })
      socket.once('message', logged(t, 'first'))
      await readAll(t, socket)
    },
    'none exists until all datagrams were delivered': async (t) => {
      const socket = await silent(t)
      await readAll(t, socket)
      socket.on('message', logged(t, 'late'))
      await readAll(t, socket, ['later'])
    },
    'none exists, and one is added before the socket reads': async (t) => {
      const socket = await silent(t)
      const start = await hold(t, socket, SIX)
      socket.on('message', logged(t, 'in time'))
      start()
      await t.settle(2)
    },
    'an exception in the first of two: the second is not called': async (t) => {
      const socket = await silent(t)
      socket.on('message', (bytes) => {
        t.log('first', String(bytes))
        if (String(bytes) === 'two') throw new Error('from the first')
      })
      socket.on('message', logged(t, 'second'))
      await readAll(t, socket)
    },
    'an exception in each': async (t) => {
      const socket = await silent(t)
      socket.on('message', (bytes) => {
        throw new Error(String(bytes))
      })
      await readAll(t, socket)
      await t.seen('uncaught', SIX.length)
    },
    'an exception, and what it queued before': async (t) => {
      const socket = await reader(t)
      onText(socket, 'six', () => {
        process.nextTick(() => t.log('tick'))
        Promise.resolve().then(() => t.log('promise'))
        throw new Error('after queueing')
      })
      await readAll(t, socket)
    },
    'exceptions that are no errors': async (t) => {
      const socket = await silent(t)
      for (const thrown of [undefined, null, 'text', 5]) {
        const caught = once(process, 'uncaughtException')
        socket.once('message', () => {
          throw thrown
        })
        await feed(socket.address(), ['x'])
        await caught
      }
    },
    'a listener that is no function': async (t) => {
      const socket = await reader(t)
      onText(socket, 'two', () => t.attempt('on', () => socket.on('message', 'listener' as never)))
      await readAll(t, socket)
    },
    'a listener that is a bound function, and one that is an async arrow': async (t) => {
      const socket = await silent(t)
      socket.on('message', t.callback('bound').bind(socket))
      socket.on('message', async (bytes) => {
        await null
        t.log('arrow', String(bytes))
      })
      await readAll(t, socket, ['one', 'two'])
    },
    'more than the limit of listeners': async (t) => {
      const socket = await silent(t)
      socket.setMaxListeners(2)
      const { emitWarning } = process
      process.emitWarning = ((warning: { name: string; count: number }) => {
        t.log('warning', warning.name, warning.count)
      }) as never
      for (const name of ['a', 'b', 'c']) socket.on('message', logged(t, name))
      process.emitWarning = emitWarning
      await readAll(t, socket, ['one', 'two'])
    },
    'a message that is sent by the listener of the one before it': async (t) => {
      const socket = await reader(t)
      const { port } = socket.address()
      for (const [text, next] of [
        ['one', 'two'],
        ['two', 'three'],
        ['three', 'four'],
      ]) {
        onText(socket, text, () => socket.send(next, port, '127.0.0.1'))
      }
      socket.send('one', port, '127.0.0.1')
      await t.seen('socket got', 4)
    },
    'emit message within the listener of message': async (t) => {
      const socket = await reader(t)
      onText(socket, 'two', () => socket.emit('message', Buffer.from('made up'), {}))
      await readAll(t, socket)
    },
    'the listeners, as listed': async (t) => {
      const socket = await reader(t)
      socket.once('message', () => {})
      t.log('before', socket.eventNames(), socket.listenerCount('message'), socket.rawListeners('message').length)
      await readAll(t, socket, ['one'])
      t.log('after', socket.eventNames(), socket.listenerCount('message'), socket.rawListeners('message').length)
    },
  }),
  ...cases('emit is replaced', {
    'on the instance': async (t) => {
      const socket = await reader(t)
      const { emit } = socket
      socket.emit = function (this: Socket, event: string, ...args: unknown[]) {
        t.log('emit', event, this === socket, args.length)
        return emit.call(this, event, ...args)
      } as never
      await readAll(t, socket, ['one', 'two'])
    },
    'on the instance, without a listener': async (t) => {
      const socket = await silent(t)
      const { emit } = socket
      socket.emit = ((event: string, ...args: unknown[]) => {
        t.log('emit', event)
        return emit.call(socket, event, ...args)
      }) as never
      await readAll(t, socket, ['one', 'two'])
    },
    'on the instance, and swallows every second message': async (t) => {
      const socket = await reader(t)
      const { emit } = socket
      let count = 0
      socket.emit = ((event: string, ...args: unknown[]) => {
        count += 1
        return count % 2 === 0 ? false : emit.call(socket, event, ...args)
      }) as never
      await readAll(t, socket)
    },
    'on the instance, and throws': async (t) => {
      const socket = await silent(t)
      socket.emit = (() => {
        throw new Error('from emit')
      }) as never
      await readAll(t, socket, ['one', 'two'])
      await t.seen('uncaught', 2)
    },
    'on the instance, in the listener': async (t) => {
      const socket = await reader(t)
      const { emit } = socket
      onText(socket, 'two', () => {
        socket.emit = ((event: string, ...args: unknown[]) => {
          t.log('emit', event)
          return emit.call(socket, event, ...args)
        }) as never
      })
      onText(socket, 'four', () => Reflect.deleteProperty(socket, 'emit'))
      await readAll(t, socket)
    },
    'on the prototype': async (t) => {
      const socket = await reader(t)
      const { prototype } = t.dgram.Socket as unknown as { prototype: EventEmitter }
      await patched(prototype, 'emit', async (emit) => {
        prototype.emit = function (this: unknown, event: string, ...args: unknown[]) {
          if (this === socket) t.log('emit', event)
          return Reflect.apply(emit, this, [event, ...args])
        } as never
        await readAll(t, socket, ['one', 'two'])
      })
    },
    'on the prototype of EventEmitter': async (t) => {
      const socket = await reader(t)
      await patched(EventEmitter.prototype, 'emit', async (emit) => {
        EventEmitter.prototype.emit = function (this: unknown, event: string, ...args: unknown[]) {
          if (this === socket) t.log('emit', event)
          return Reflect.apply(emit, this, [event, ...args])
        } as never
        await readAll(t, socket, ['one', 'two'])
      })
    },
    'in a subclass': async (t) => {
      class Loud extends t.dgram.Socket {
        override emit(event: string, ...args: unknown[]): boolean {
          t.log('emit', event)
          return super.emit(event, ...args)
        }
      }
      const socket = t.adopt(new Loud('udp4'), 'loud')
      socket.on('message', logged(t, 'got'))
      socket.bind(0, '127.0.0.1')
      await once(socket, 'listening')
      await readAll(t, socket, ['one', 'two'])
      socket.close()
      await once(socket, 'close')
    },
    'in a subclass, without a listener': async (t) => {
      class Deaf extends t.dgram.Socket {
        override emit(event: string, ...args: unknown[]): boolean {
          t.log('emit', event)
          return super.emit(event, ...args)
        }
      }
      const socket = t.adopt(new Deaf('udp4'), 'deaf')
      socket.bind(0, '127.0.0.1')
      await once(socket, 'listening')
      await readAll(t, socket, ['one', 'two'])
    },
    'and EventEmitter.captureRejections is on': async (t) => {
      EventEmitter.captureRejections = true
      try {
        const socket = t.plain()
        await bindQuietly(t, socket)
        socket.on('message', async (bytes) => {
          await null
          throw new Error(String(bytes))
        })
        await readAll(t, socket, ['one', 'two'])
      } finally {
        EventEmitter.captureRejections = false
      }
    },
    'errorMonitor sees what a send fails with': async (t) => {
      const socket = await silent(t)
      socket.on(errorMonitor, (error) => t.log('monitor', error.code))
      socket.connect(await t.freePort(), '127.0.0.1')
      await once(socket, 'connect')
      socket.send('refused')
      await t.seen("socket 'error'")
    },
  }),
  ...cases('events', {
    'once in a loop, without a break': async (t) => {
      const socket = await silent(t)
      const start = await hold(t, socket, SIX)
      start()
      for (let index = 0; index < SIX.length; index += 1) t.log('awaited', String((await once(socket, 'message'))[0]))
    },
    'once twice at the same time': async (t) => {
      const socket = await silent(t)
      const start = await hold(t, socket, SIX)
      start()
      const both = [once(socket, 'message'), once(socket, 'message')]
      for (const [bytes] of await Promise.all(both)) t.log('awaited', String(bytes))
      t.log('next', String((await once(socket, 'message'))[0]))
    },
    'once in two loops at the same time': async (t) => {
      const socket = await silent(t)
      const start = await hold(t, socket, SIX)
      start()
      const loop = async (name: string) => {
        for (let index = 0; index < 3; index += 1) t.log(name, String((await once(socket, 'message'))[0]))
      }
      await Promise.all([loop('first'), loop('second')])
    },
    'once is aborted': async (t) => {
      const socket = await silent(t)
      const controller = new AbortController()
      const waiting = once(socket, 'message', { signal: controller.signal })
      controller.abort()
      await waiting.catch(({ name }) => t.log('rejected', name))
      t.log('listeners', socket.listenerCount('message'), socket.listenerCount('error'))
    },
    'once rejects at an error': async (t) => {
      const socket = await silent(t)
      const waiting = once(socket, 'message')
      socket.emit('error', new Error('made up'))
      await waiting.catch(({ message }) => t.log('rejected', message))
    },
    'on, with a break in the middle': async (t) => {
      const socket = await silent(t)
      const start = await hold(t, socket, SIX)
      const messages = on(socket, 'message')
      start()
      for await (const [bytes] of messages) {
        t.log('awaited', String(bytes))
        if (String(bytes) === 'three') break
      }
      t.log('listeners', socket.listenerCount('message'))
      socket.on('message', logged(t, 'later'))
      await feed(socket.address(), ['seven'])
      await t.seen("later 'seven'")
    },
    'on, until the socket is closed': async (t) => {
      const socket = await silent(t)
      const start = await hold(t, socket, SIX)
      const messages = on(socket, 'message', { close: ['close'] } as never)
      start()
      for await (const [bytes] of messages) {
        t.log('awaited', String(bytes))
        if (String(bytes) === 'three') socket.close()
      }
    },
    'on, until it is aborted': async (t) => {
      const socket = await silent(t)
      const controller = new AbortController()
      const start = await hold(t, socket, SIX)
      const messages = on(socket, 'message', { signal: controller.signal })
      start()
      try {
        for await (const [bytes] of messages) {
          t.log('awaited', String(bytes))
          if (String(bytes) === 'three') controller.abort()
        }
      } catch (error) {
        t.log('rejected', (error as Error).name)
      }
    },
    'on, with a reply to each': async (t) => {
      const socket = await silent(t)
      const sender = await reader(t, 'udp4', 'sender')
      const { port } = socket.address()
      const messages = on(socket, 'message')
      for (const text of SIX) sender.send(text, port, '127.0.0.1')
      let left = SIX.length
      for await (const [bytes, rinfo] of messages) {
        socket.send(`re ${bytes}`, rinfo.port, rinfo.address)
        left -= 1
        if (left === 0) break
      }
      await t.seen('sender got', SIX.length)
    },
    'on and once together': async (t) => {
      const socket = await silent(t)
      const start = await hold(t, socket, SIX)
      const messages = on(socket, 'message')
      start()
      t.log('once', String((await once(socket, 'message'))[0]))
      for (let index = 0; index < SIX.length; index += 1) t.log('on', String((await messages.next()).value[0]))
    },
  }),
]

/** A bound socket without a message listener. */
function silent(t: Trial): Promise<Socket> {
  return bindQuietly(t, t.plain())
}

function logged(t: Trial, name: string): Listener {
  return (bytes) => t.log(name, String(bytes))
}

function onText(socket: Socket, text: string, work: () => unknown): void {
  socket.on('message', (bytes) => {
    if (String(bytes) === text) work()
  })
}

/** Restores a method when the work is done. A method that was inherited becomes inherited again. */
async function patched(
  object: EventEmitter,
  name: 'emit',
  work: (original: EventEmitter['emit']) => Promise<unknown>,
): Promise<void> {
  const own = Object.getOwnPropertyDescriptor(object, name)
  try {
    await work(object[name])
  } finally {
    if (own === undefined) Reflect.deleteProperty(object, name)
    else Object.defineProperty(object, name, own)
  }
}
