import { AsyncLocalStorage, AsyncResource, createHook, executionAsyncId, triggerAsyncId } from 'node:async_hooks'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { on, once } from 'node:events'
import { cases } from '../case.js'
import { hold, readAll, reader, SIX } from '../feed.js'
import type { Trial } from '../trial.js'
import type { Socket } from '../types.js'

export const contexts = [
  ...cases('AsyncLocalStorage in a batch', {
    'each message is delivered in the context of the socket': async (t) => {
      const { socket, storage } = await stored(t)
      socket.on('message', (bytes) => t.log(String(bytes), storage.getStore()))
      await readAll(t, socket)
    },
    'run in a listener does not affect the next message': async (t) => {
      const { socket, storage } = await stored(t)
      socket.on('message', (bytes) => {
        t.log(String(bytes), storage.getStore())
        storage.run(String(bytes), () => process.nextTick(() => t.log('tick', storage.getStore())))
      })
      await readAll(t, socket)
    },
    'exit in a listener': async (t) => {
      const { socket, storage } = await stored(t)
      socket.on('message', (bytes) => {
        storage.exit(() => t.log('inside', String(bytes), storage.getStore()))
        t.log('outside', String(bytes), storage.getStore())
      })
      await readAll(t, socket, ['one', 'two'])
    },
    'enterWith in a tick of a listener': async (t) => {
      const { socket, storage } = await stored(t)
      socket.on('message', (bytes) => {
        t.log(String(bytes), storage.getStore())
        process.nextTick(() => storage.enterWith(`entered by ${bytes}`))
      })
      await readAll(t, socket)
    },
    'enterWith in a promise of a listener': async (t) => {
      const { socket, storage } = await stored(t)
      socket.on('message', async (bytes) => {
        t.log(String(bytes), storage.getStore())
        await null
        storage.enterWith(`entered by ${bytes}`)
        await null
        t.log(String(bytes), storage.getStore())
      })
      await readAll(t, socket)
    },
    'enterWith in a listener': async (t) => {
      const { socket, storage } = await stored(t)
      socket.on('message', (bytes) => {
        t.log(String(bytes), storage.getStore())
        storage.enterWith(`entered by ${bytes}`)
      })
      await readAll(t, socket)
    },
    'after an exception in a listener': async (t) => {
      const { socket, storage } = await stored(t)
      socket.on('message', (bytes) => {
        t.log(String(bytes), storage.getStore())
        if (String(bytes) === 'two') throw new Error('from the listener')
      })
      await readAll(t, socket)
    },
    'after an exception in a tick': async (t) => {
      const { socket, storage } = await stored(t)
      socket.on('message', (bytes) => {
        t.log(String(bytes), storage.getStore())
        if (String(bytes) !== 'two') return
        process.nextTick(() => {
          throw new Error('from the tick')
        })
      })
      await readAll(t, socket)
    },
    'in the messages after a rejection': async (t) => {
      const { socket, storage } = await stored(t)
      socket.on('message', (bytes) => {
        t.log(String(bytes), storage.getStore(), executionAsyncId() === 0)
        if (String(bytes) === 'two') void Promise.reject(new Error('from the promise'))
      })
      await readAll(t, socket)
    },
    'in the messages after an exception of queueMicrotask': async (t) => {
      const { socket, storage } = await stored(t)
      socket.on('message', (bytes) => {
        t.log(String(bytes), storage.getStore(), executionAsyncId() === 0)
        if (String(bytes) !== 'two') return
        queueMicrotask(() => {
          throw new Error('from the microtask')
        })
      })
      await readAll(t, socket)
    },
    'in an uncaught exception of a listener': async (t) => {
      const { socket, storage } = await stored(t)
      const seen = () => t.log('handler', storage.getStore())
      process.on('uncaughtException', seen)
      socket.on('message', () => {
        throw new Error('from the listener')
      })
      await readAll(t, socket, ['one'])
      process.off('uncaughtException', seen)
    },
    'in ticks, promises, immediates and timers of a listener': async (t) => {
      const { socket, storage } = await stored(t)
      socket.on('message', (bytes) => {
        const log = (when: string) => () => t.log(when, String(bytes), storage.getStore())
        process.nextTick(log('tick'))
        Promise.resolve().then(log('promise'))
        queueMicrotask(log('microtask'))
        setImmediate(log('immediate'))
        setTimeout(log('timer'), 0)
      })
      await readAll(t, socket, ['one', 'two'])
      await t.seen('timer', 2)
      t.lines.sort()
    },
    'in the callback of a send from a listener': async (t) => {
      const { socket, storage } = await stored(t)
      socket.on('message', (bytes) => {
        storage.run(`sent by ${bytes}`, () => {
          socket.send('x', 9, '127.0.0.1', () => t.log(String(bytes), storage.getStore()))
        })
      })
      await readAll(t, socket)
      await t.seen('six', 1)
      await t.settle(1)
    },
    'with a listener that AsyncResource.bind has bound': async (t) => {
      const { socket, storage } = await stored(t)
      storage.run('bound', () => {
        socket.on(
          'message',
          AsyncResource.bind((bytes: Buffer) => t.log(String(bytes), storage.getStore())),
        )
      })
      await readAll(t, socket, ['one', 'two'])
    },
    'with a snapshot': async (t) => {
      const { socket, storage } = await stored(t)
      const inside = storage.run('snapshot', () => AsyncLocalStorage.snapshot())
      socket.on('message', (bytes) =>
        t.log(
          String(bytes),
          inside(() => storage.getStore()),
        ),
      )
      await readAll(t, socket, ['one', 'two'])
    },
    'in a loop over events.on': async (t) => {
      const { socket, storage } = await stored(t)
      const start = await hold(t, socket, SIX)
      await storage.run('loop', async () => {
        const messages = on(socket, 'message')
        start()
        for (let index = 0; index < SIX.length; index += 1) {
          t.log(String((await messages.next()).value[0]), storage.getStore())
        }
      })
    },
    'two storages': async (t) => {
      const { socket, storage } = await stored(t)
      const other = new AsyncLocalStorage()
      socket.on('message', (bytes) => {
        t.log(String(bytes), storage.getStore(), other.getStore())
        other.run(String(bytes), () => socket.emit('made up'))
      })
      socket.on('made up', () => t.log('made up', storage.getStore(), other.getStore()))
      await readAll(t, socket, ['one', 'two'])
    },
  }),
  ...cases('AsyncLocalStorage around', {
    'the error event of a send without a callback': async (t) => {
      const { socket, storage } = await stored(t)
      socket.on('error', () => t.log('store', storage.getStore()))
      storage.run('send', () => socket.send('x', 9, 'no..such.host'))
      await t.seen('store')
    },
    'the error event of a rejected datagram': async (t) => {
      const { socket, storage } = await stored(t)
      socket.on('error', () => t.log('store', storage.getStore()))
      socket.connect(await t.freePort(), '127.0.0.1')
      await once(socket, 'connect')
      storage.run('send', () => socket.send('x'))
      await t.seen('store')
    },
    'the callback of a send that fails': async (t) => {
      const { socket, storage } = await stored(t)
      const call = () => t.log('store', storage.getStore())
      storage.run('too long', () => socket.send(Buffer.alloc(70_000), 9, '127.0.0.1', call))
      await t.seen('store')
      storage.run('another family', () => socket.send('x', 9, '::1', call))
      await t.seen('store', 2)
    },
    'connect, and the listeners that it adds': async (t) => {
      const storage = new AsyncLocalStorage()
      const socket = storage.run('create', () => t.plain())
      socket.on('connect', () => t.log('connect', storage.getStore()))
      socket.on('listening', () => t.log('listening', storage.getStore()))
      storage.run('connect', () => socket.connect(9, '127.0.0.1', () => t.log('callback', storage.getStore())))
      await t.seen('callback')
    },
    'bind in the same tick as send': async (t) => {
      const storage = new AsyncLocalStorage()
      const socket = storage.run('create', () => t.plain())
      storage.run('bind', () => socket.bind(0, '127.0.0.1', () => t.log('bound', storage.getStore())))
      storage.run('send', () => socket.send('x', 9, '127.0.0.1', () => t.log('sent', storage.getStore())))
      await t.seen('sent')
    },
    'an abort': async (t) => {
      const storage = new AsyncLocalStorage()
      const controller = new AbortController()
      const socket = storage.run('create', () => t.plain({ type: 'udp4', signal: controller.signal }))
      socket.on('close', () => t.log('store', storage.getStore()))
      storage.run('abort', () => controller.abort())
      await t.seen('store')
    },
    'many sends, each in its own context': async (t) => {
      const { socket, storage } = await stored(t)
      for (const text of SIX) {
        storage.run(text, () => socket.send(text, 9, '127.0.0.1', () => t.log(text, storage.getStore())))
      }
      await t.seen('six')
    },
    'many connected sends, each in its own context': async (t) => {
      const peer = await reader(t, 'udp4', 'peer')
      const { socket, storage } = await stored(t)
      socket.connect(peer.address().port, '127.0.0.1')
      await once(socket, 'connect')
      for (const text of SIX) storage.run(text, () => socket.send(text, () => t.log('sent', storage.getStore())))
      await t.seen('sent', SIX.length)
      await t.seen('peer got', SIX.length)
      t.lines.sort()
    },
  }),
  ...cases('async_hooks', {
    'one UDPWRAP for each socket': (t) => {
      const types = initTypes(t, () => {
        t.plain().close()
        t.plain('udp6').close()
      })
      t.log(
        'types',
        types.filter((type) => type.startsWith('UDPWRAP')),
      )
    },
    'one UDPSENDWRAP for each message': async (t) => {
      const socket = await reader(t)
      const types: string[] = []
      const hook = createHook({ init: (_id, type) => void types.push(type) }).enable()
      socket.send('x', 9, '127.0.0.1', t.callback('sent'))
      await t.seen('sent')
      hook.disable()
      t.log(
        'types',
        types.filter((type) => type.startsWith('UDPSEND')),
      )
    },
    'the ids in a listener': async (t) => {
      const socket = await reader(t)
      socket.on('message', () => t.log('ids', executionAsyncId() > 0, triggerAsyncId() > 0))
      await readAll(t, socket, ['one', 'two'])
    },
    'before and after are in pairs': async (t) => {
      const socket = await reader(t)
      const start = await hold(t, socket, SIX)
      let depth = 0
      let deepest = 0
      const hook = createHook({
        before: () => {
          depth += 1
          deepest = Math.max(depth, deepest)
        },
        after: () => {
          depth -= 1
        },
      }).enable()
      start()
      await t.seen('socket got', SIX.length)
      hook.disable()
      t.log('depth', depth <= 1, deepest > 0)
    },
    'a hook that is enabled in a listener': async (t) => {
      const socket = await reader(t)
      const hook = createHook({ init: () => {} })
      socket.on('message', (bytes) => (String(bytes) === 'two' ? hook.enable() : hook.disable()))
      await readAll(t, socket)
      hook.disable()
    },
  }),
  ...cases('a subscriber of udp.socket', {
    'adds a listener': (t) => subscribed(t, (socket) => socket.on('message', () => t.log('subscriber'))),
    'binds the socket': async (t) => {
      await during(
        (socket) => socket.bind(0, '127.0.0.1', t.callback('bound')),
        async () => {
          const socket = t.plain()
          await once(socket, 'listening')
          socket.on('message', (bytes) => t.log('got', String(bytes)))
          t.attempt('bind again', () => socket.bind(0))
          socket.send('to itself', socket.address().port, '127.0.0.1', t.callback('sent'))
          await t.seen('got')
          await t.seen('sent')
        },
      )
    },
    sends: async (t) => {
      const peer = await reader(t, 'udp4', 'peer')
      const { port } = peer.address()
      await during(
        (socket) => socket.send('from the subscriber', port, '127.0.0.1', t.callback('sent')),
        async () => {
          t.plain()
          await t.seen('peer got')
          await t.seen('sent')
          t.lines.sort()
        },
      )
    },
    connects: async (t) => {
      const peer = await reader(t, 'udp4', 'peer')
      const { port } = peer.address()
      await during(
        (socket) => socket.connect(port, '127.0.0.1', t.callback('connected')),
        async () => {
          const socket = t.plain()
          await once(socket, 'connect')
          socket.send('connected')
          await t.seen('peer got')
          t.attempt('remoteAddress', () => socket.remoteAddress())
        },
      )
    },
    'closes the socket': async (t) => {
      await during(
        (socket) => socket.close(),
        async () => {
          const socket = t.plain()
          socket.on('close', () => t.log('close'))
          t.attempt('bind', () => socket.bind(0))
          await t.seen('close')
        },
      )
    },
    'unreferences the socket': (t) => subscribed(t, (socket) => socket.unref()),
    'replaces send on the instance': (t) =>
      subscribed(t, (socket) => {
        const { send } = socket
        socket.send = ((...args: unknown[]) => {
          t.log('replaced send', args.length)
          return Reflect.apply(send, socket, args)
        }) as never
      }),
    'replaces emit on the instance': (t) =>
      subscribed(t, (socket) => {
        const { emit } = socket
        socket.emit = ((event: string, ...args: unknown[]) => {
          t.log('replaced emit', event)
          return Reflect.apply(emit, socket, [event, ...args])
        }) as never
      }),
    throws: async (t) => {
      await during(
        () => {
          throw new Error('from the subscriber')
        },
        async () => {
          const socket = t.plain()
          await t.seen('uncaught')
          socket.bind(0)
          await once(socket, 'listening')
        },
      )
    },
    'reads the properties of the socket': (t) =>
      subscribed(t, (socket) => {
        t.log('type', socket.type, socket.listenerCount('message'))
        t.attempt('address', () => socket.address())
        t.attempt('getSendQueueCount', () => socket.getSendQueueCount())
      }),
    'makes another socket': async (t) => {
      let left = 1
      await during(
        () => {
          left -= 1
          if (left >= 0) t.plain('udp4', 'inner')
          t.log('made')
        },
        async () => {
          await reader(t)
        },
      )
    },
    'with an abort before': async (t) => {
      await during(
        (socket) => t.attempt('address', () => socket.address()),
        async () => {
          const socket = t.socket({ type: 'udp4', signal: AbortSignal.abort() })
          await once(socket, 'close')
        },
      )
    },
  }),
]

/** A bound socket that was created in its own context. */
async function stored(t: Trial): Promise<{ socket: Socket; storage: AsyncLocalStorage<string> }> {
  const storage = new AsyncLocalStorage<string>()
  const socket = storage.run('create', () => t.plain())
  storage.run('bind', () => socket.bind(0, '127.0.0.1'))
  await once(socket, 'listening')
  return { socket, storage }
}

function initTypes(t: Trial, work: () => void): string[] {
  const types: string[] = []
  const hook = createHook({ init: (_id, type) => void types.push(type) }).enable()
  t.attempt('work', work)
  hook.disable()
  return types
}

/** Creates a socket while the diagnostics channel of new sockets has a subscriber, and uses the socket. */
async function subscribed(t: Trial, subscriber: (socket: Socket) => unknown): Promise<void> {
  await during(subscriber, async () => {
    const socket = await reader(t)
    await readAll(t, socket, ['one', 'two'])
    socket.send('x', 9, '127.0.0.1', t.callback('sent'))
    await t.seen('sent')
    socket.close()
    await once(socket, 'close')
  })
}

async function during(subscriber: (socket: Socket) => unknown, work: () => Promise<unknown>): Promise<void> {
  // Only the sockets of the module under test, not those that send to them.
  const listener = (message: unknown) => {
    const { socket } = message as { socket: Socket }
    if (!(new Error().stack ?? '').includes('feed.')) subscriber(socket)
  }
  subscribe('udp.socket', listener)
  try {
    await work()
  } finally {
    unsubscribe('udp.socket', listener)
  }
}
