import { once } from 'node:events'
import { runInNewContext } from 'node:vm'
import { cases } from '../case.js'
import { bindQuietly, hold, readAll, reader, SIX } from '../feed.js'
import type { Trial } from '../trial.js'
import type { Socket } from '../types.js'

type Work = (...args: unknown[]) => unknown

/** Functions that fake timers replace, by the object that has them. */
const CLOCKS: Readonly<Record<string, object>> = {
  setTimeout: globalThis,
  setInterval: globalThis,
  setImmediate: globalThis,
  clearImmediate: globalThis,
  clearTimeout: globalThis,
  queueMicrotask: globalThis,
  'Date.now': Date,
  'performance.now': performance,
}

/** Uses of a socket, each complete while a global is replaced. */
const USES: Readonly<Record<string, (t: Trial, socket: Socket, peer: Socket) => Promise<unknown>>> = {
  'send and receive': async (t, socket, peer) => {
    for (const text of SIX) socket.send(text, peer.address().port, '127.0.0.1', t.callback('sent'))
    await t.seen('peer got', SIX.length)
    await t.seen('sent', SIX.length)
    t.lines.sort()
  },
  'a batch of queued datagrams': async (t, socket) => {
    const start = await hold(t, socket, SIX)
    start()
    await t.seen('socket got', SIX.length)
  },
}

/** Return values of a prepareStackTrace. */
const STACKS: Readonly<Record<string, () => unknown>> = {
  'a list': () => [],
  'an object': () => ({}),
  null: () => null,
  undefined: () => undefined,
  'a number': () => 5,
  'a text': () => 'text',
  'nothing, it throws': () => {
    throw new Error('from prepareStackTrace')
  },
}

export const replacedGlobals = [
  ...cases(
    'fake clocks',
    Object.fromEntries(
      Object.entries(CLOCKS).flatMap(([name, owner]) =>
        Object.entries(USES).map(([use, work]) => [
          `${name}: ${use}`,
          async (t: Trial) => {
            const [socket, peer] = [await reader(t), await reader(t, 'udp4', 'peer')]
            await withReplaced(
              owner,
              name.replace(/.*\./, ''),
              () => undefined,
              () => work(t, socket, peer),
            )
          },
        ]),
      ),
    ),
  ),
  ...cases('all clocks are fake', {
    'create, bind, send, receive and close': (t) =>
      withAllReplaced(async () => {
        const [socket, peer] = [await reader(t), await reader(t, 'udp4', 'peer')]
        await USES['send and receive'](t, socket, peer)
        await readAll(t, socket)
        socket.close()
        await once(socket, 'close')
      }),
    'a listener that throws': (t) =>
      withAllReplaced(async () => {
        const socket = await bindQuietly(t, t.plain())
        socket.on('message', (bytes) => {
          t.log('got', String(bytes))
          if (String(bytes) === 'two') throw new Error('from the listener')
        })
        await readAll(t, socket)
        await t.seen('got', SIX.length)
      }),
    'a listener that is removed and added again': (t) =>
      withAllReplaced(async () => {
        const socket = await bindQuietly(t, t.plain())
        const start = await hold(t, socket, SIX)
        start()
        for (let index = 0; index < SIX.length; index += 1) t.log('awaited', String((await once(socket, 'message'))[0]))
      }),
    'many messages in a tick': (t) =>
      withAllReplaced(async () => {
        const socket = await bindQuietly(t, t.plain({ type: 'udp4', recvBufferSize: 1 << 20 }))
        let got = 0
        let sent = 0
        socket.on('message', () => {
          got += 1
        })
        for (let index = 0; index < 300; index += 1) {
          socket.send('x'.repeat(index), socket.address().port, '127.0.0.1', () => {
            sent += 1
          })
        }
        await t.until(() => got >= 300 && sent >= 300)
        t.log('got', got, sent)
      }),
    'a connected socket, until it is closed': (t) =>
      withAllReplaced(async () => {
        const { peer, socket } = await t.connected()
        for (const text of SIX) socket.send(text)
        await once(peer, 'message')
        socket.close()
        await t.seen("peer 'message'", SIX.length)
      }),
  }),
  ...cases('process.nextTick is replaced', {
    'by one that calls the original': async (t) => {
      const [socket, peer] = [await reader(t), await reader(t, 'udp4', 'peer')]
      const { nextTick } = process
      const passOn = (work: Work, ...args: unknown[]) => nextTick(work, ...args)
      await withReplaced(process, 'nextTick', passOn, () => USES['send and receive'](t, socket, peer))
    },
    'by one that is slower': async (t) => {
      const [socket, peer] = [await reader(t), await reader(t, 'udp4', 'peer')]
      const later = (work: Work, ...args: unknown[]) => setImmediate(() => work(...args))
      await withReplaced(process, 'nextTick', later, async () => {
        for (const text of SIX) socket.send(text, peer.address().port, '127.0.0.1')
        await t.seen('peer got', SIX.length)
      })
    },
    'while the socket is created and bound': async (t) => {
      const { nextTick } = process
      const passOn = (work: Work, ...args: unknown[]) => nextTick(work, ...args)
      const socket = await withReplaced(process, 'nextTick', passOn, () => reader(t))
      await readAll(t, socket)
    },
    'by one that holds ticks back, while a connected socket sends': async (t) => {
      const peer = await reader(t, 'udp4', 'peer')
      const socket = await bindQuietly(t, t.plain())
      socket.connect(peer.address().port, '127.0.0.1')
      await once(socket, 'connect')
      const held: (() => unknown)[] = []
      const hold = (work: Work, ...args: unknown[]) => held.push(() => work(...args))
      await withReplaced(process, 'nextTick', hold, async () => void socket.send('x'))
      await t.seen('peer got')
      for (const work of held) work()
    },
    'by one that holds ticks back, while a listener runs': async (t) => {
      const socket = await bindQuietly(t, t.plain())
      const { nextTick } = process
      const held: (() => unknown)[] = []
      socket.on('message', (bytes) => {
        process.nextTick = ((work: Work, ...args: unknown[]) => held.push(() => work(...args))) as never
        process.nextTick(() => t.log('held tick of', String(bytes)))
        process.nextTick = nextTick
        t.log('got', String(bytes))
      })
      await readAll(t, socket)
      for (const work of held) work()
    },
    'by one that counts, while datagrams are received': async (t) => {
      const socket = await reader(t)
      const start = await hold(t, socket, SIX)
      const { nextTick } = process
      let ticks = 0
      const count = (work: Work, ...args: unknown[]) => {
        ticks += 1
        nextTick(work, ...args)
      }
      await withReplaced(process, 'nextTick', count, async () => {
        start()
        await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
      })
      await t.seen('socket got', SIX.length)
      t.log('ticks', ticks)
    },
  }),
  ...cases(
    'Error.prepareStackTrace returns',
    Object.fromEntries(
      Object.entries(STACKS).map(([kind, stack]) => [
        kind,
        async (t: Trial) => {
          const socket = await reader(t)
          await withReplaced(Error, 'prepareStackTrace', stack, async () => {
            t.attempt('type', () => socket.type)
            t.attempt('address after type', () => socket.address().family)
            t.attempt('type again', () => socket.type)
            t.attempt('send after type', () => socket.send('x', socket.address().port, '127.0.0.1'))
            await t.seen('socket got')
            await readAll(t, socket)
          })
        },
      ]),
    ),
  ),
  ...cases('Error.prepareStackTrace', {
    'is not called by a send after the type was read': async (t) => {
      const socket = await reader(t)
      let calls = 0
      const count = (error: Error) => {
        calls += 1
        return String(error)
      }
      await withReplaced(Error, 'prepareStackTrace', count, async () => {
        t.log('type', socket.type)
        socket.send('x', socket.address().port, '127.0.0.1')
        await t.seen('socket got')
      })
      t.log('calls', calls)
    },
    'stays as it was': async (t) => {
      const socket = await reader(t)
      const describe = () => {
        const own = Object.getOwnPropertyDescriptor(Error, 'prepareStackTrace')
        return own === undefined ? 'none' : [typeof own.value, own.writable, own.enumerable, own.configurable]
      }
      const before = String(describe())
      t.log('type', socket.type, socket.address().family)
      t.log('same', String(describe()) === before)
    },
  }),
  ...cases('Error.stackTraceLimit', {
    'stays 0': (t) => keepsLimit(t, { value: 0, writable: true, enumerable: true, configurable: true }),
    'stays infinite': (t) =>
      keepsLimit(t, { value: Number.POSITIVE_INFINITY, writable: true, enumerable: true, configurable: true }),
    'stays undefined': (t) => keepsLimit(t, { value: undefined, writable: true, enumerable: true, configurable: true }),
    'stays a text': (t) => keepsLimit(t, { value: '5', writable: true, enumerable: false, configurable: true }),
    'stays absent': (t) => keepsLimit(t, undefined),
    'stays read-only': (t) => keepsLimit(t, { value: 3, writable: false, enumerable: true, configurable: true }),
    'stays an accessor': (t) => {
      let sets = 0
      const set = () => {
        sets += 1
      }
      const done = keepsLimit(t, { get: () => 4, set, enumerable: true, configurable: true })
      return done.then(() => t.log('sets', sets))
    },
    'is 0 while sends fail': (t) =>
      withReplacedValue(Error, 'stackTraceLimit', 0, async () => {
        const socket = await reader(t)
        socket.send(Buffer.alloc(70_000), 9, '127.0.0.1', t.callback('sent'))
        await t.seen('sent')
        t.attempt('bind', () => socket.bind(0))
      }),
  }),
  ...cases('globals are replaced', {
    'AbortController and AbortSignal are gone': (t) =>
      withReplacedValue(globalThis, 'AbortSignal', undefined, () =>
        withReplacedValue(globalThis, 'AbortController', undefined, async () => {
          const socket = await reader(t)
          await readAll(t, socket, ['one'])
        }),
      ),
    'structuredClone is gone': (t) =>
      withReplacedValue(globalThis, 'structuredClone', undefined, async () => {
        const socket = await reader(t)
        await readAll(t, socket, ['one'])
      }),
  }),
  ...cases('values of another realm', {
    'are sent': async (t) => {
      const peer = await reader(t, 'udp4', 'peer')
      const socket = await reader(t)
      const sources = ['new Uint8Array([97, 98])', "['list', new Uint8Array([99])]", 'new DataView(new ArrayBuffer(1))']
      for (const source of sources) {
        socket.send(runInNewContext(source), peer.address().port, '127.0.0.1', t.callback('sent'))
        await t.seen('sent')
      }
      await t.seen('peer got', sources.length)
    },
    'are options, callbacks and listeners': async (t) => {
      const socket = t.plain(runInNewContext("({ type: 'udp4' })"))
      socket.on(
        'message',
        runInNewContext('(log) => (bytes) => log(String(bytes))')((text: string) => t.log('got', text)),
      )
      await bindQuietly(t, socket)
      const callback = runInNewContext('(log) => (error, bytes) => log(error, bytes)')(t.callback('sent'))
      socket.send('x', socket.address().port, '127.0.0.1', callback)
      await t.seen('got')
      await t.seen('sent')
      t.lines.sort()
    },
    'are errors that a listener throws': async (t) => {
      const socket = await reader(t)
      socket.on('message', runInNewContext("() => { throw new RangeError('of another realm') }"))
      await readAll(t, socket, ['one', 'two'])
      await t.seen('uncaught', 2)
    },
  }),
]

/** Calls `work` while a method is replaced. */
function withReplaced<T>(owner: object, name: string, by: unknown, work: () => Promise<T>): Promise<T> {
  return withReplacedValue(owner, name, by, work)
}

async function withReplacedValue<T>(owner: object, name: string, value: unknown, work: () => Promise<T>): Promise<T> {
  const before = Object.getOwnPropertyDescriptor(owner, name)
  Object.defineProperty(owner, name, {
    value,
    writable: true,
    configurable: true,
    enumerable: before?.enumerable === true,
  })
  try {
    return await work()
  } finally {
    if (before === undefined) Reflect.deleteProperty(owner, name)
    else Object.defineProperty(owner, name, before)
  }
}

function withAllReplaced(work: () => Promise<unknown>): Promise<unknown> {
  return Object.entries(CLOCKS).reduce<() => Promise<unknown>>(
    (inner, [name, owner]) =>
      () =>
        withReplaced(owner, name.replace(/.*\./, ''), () => undefined, inner),
    work,
  )()
}

/** Reads the type of a socket, uses the socket, and logs the value of Error.stackTraceLimit. */
async function keepsLimit(t: Trial, limit: PropertyDescriptor | undefined): Promise<void> {
  const socket = await reader(t)
  const before = Object.getOwnPropertyDescriptor(Error, 'stackTraceLimit') ?? {}
  if (limit === undefined) Reflect.deleteProperty(Error, 'stackTraceLimit')
  else Object.defineProperty(Error, 'stackTraceLimit', limit)
  let after: PropertyDescriptor | undefined
  try {
    t.attempt('type', () => socket.type)
    t.attempt('address', () => socket.address().family)
    after = Object.getOwnPropertyDescriptor(Error, 'stackTraceLimit')
  } finally {
    Object.defineProperty(Error, 'stackTraceLimit', before)
  }
  t.log('limit', after)
}
