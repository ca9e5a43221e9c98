import { AsyncLocalStorage } from 'node:async_hooks'
import { setImmediate as turn } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { type BatchConn, SendBatch } from '../../src/index.js'
import { libc } from '../../src/libc/libc.js'
import { Waiters } from '../../src/loop/wait.js'
import { boundSocket, deadEndpoint, drain } from '../support/sockets.js'

interface Waited {
  readonly conn: BatchConn
  readonly waiters: Waiters
}

/** A socket and those who wait for it, apart from the socket's own. */
function waited(t: Test): Waited {
  const conn = boundSocket()
  const waiters = new Waiters(conn.fd)
  t.teardown(() => {
    waiters.close(() => new Error('the test is over'))
    conn.close()
  })
  return { conn, waiters }
}

function deliver(conn: BatchConn): void {
  using sender = boundSocket()
  const out = new SendBatch({ capacity: 1 })
  out.append('x', conn.localAddress)
  sender.send(out)
}

async function turns(count = 5): Promise<void> {
  for (let round = 0; round < count; round += 1) await turn()
}

/** What became of a promise so far. */
function follow(promise: Promise<void>): { state: string } {
  const result = { state: 'pending' }
  promise.then(
    () => {
      result.state = 'settled'
    },
    (error: Error) => {
      result.state = error.message
    },
  )
  return result
}

t.test('readable settles when something arrives, writable at once', async (t) => {
  const { conn, waiters } = waited(t)
  const readable = follow(waiters.wait('readable'))
  const writable = follow(waiters.wait('writable'))
  await turns()
  t.equal(readable.state, 'pending')
  t.equal(writable.state, 'settled')
  deliver(conn)
  await turns()
  t.equal(readable.state, 'settled')
})

t.test('a wait is for once: the next waits again', async (t) => {
  const { conn, waiters } = waited(t)
  for (let round = 0; round < 3; round += 1) {
    const readable = follow(waiters.wait('readable'))
    await turns()
    t.equal(readable.state, 'pending')
    deliver(conn)
    await turns()
    t.equal(readable.state, 'settled')
    t.equal(drain(conn).length, 1)
  }
})

t.test('what is there already settles it', async (t) => {
  const { conn, waiters } = waited(t)
  deliver(conn)
  const readable = follow(waiters.wait('readable'))
  await turns()
  t.equal(readable.state, 'settled')
})

t.test('everybody who waits is told', async (t) => {
  const { conn, waiters } = waited(t)
  const all = [1, 2, 3].map(() => follow(waiters.wait('readable')))
  await turns()
  deliver(conn)
  await turns()
  t.same(
    all.map(({ state }) => state),
    ['settled', 'settled', 'settled'],
  )
})

t.test('an ICMP error settles both: there is something to be told', async (t) => {
  const { conn, waiters } = waited(t)
  conn.connect(deadEndpoint())
  const out = new SendBatch({ capacity: 1 })
  out.append('x')
  for (let round = 0; round < 3; round += 1) {
    const readable = follow(waiters.wait('readable'))
    await turns()
    t.equal(readable.state, 'pending')
    out.rewind()
    conn.send(out)
    await turns()
    t.equal(readable.state, 'settled')
    t.throws(() => drain(conn), { code: 'ECONNREFUSED' })
  }
})

t.test('a signal that is aborted already ends it before it begins', async (t) => {
  const { waiters } = waited(t)
  const reason = new Error('no more')
  await t.rejects(waiters.wait('writable', AbortSignal.abort(reason)), reason)
})

t.test('a signal ends its own wait with its reason, and nobody else’s', async (t) => {
  const { conn, waiters } = waited(t)
  const controller = new AbortController()
  const aborted = waiters.wait('readable', controller.signal)
  const other = follow(waiters.wait('readable'))
  const reason = new Error('enough')
  controller.abort(reason)
  await t.rejects(aborted, reason)
  await turns()
  t.equal(other.state, 'pending')
  deliver(conn)
  await turns()
  t.equal(other.state, 'settled')
})

t.test('a signal that is used again and again collects no listeners', async (t) => {
  const { waiters } = waited(t)
  const controller = new AbortController()
  let listeners = 0
  const { signal } = controller
  const add = signal.addEventListener.bind(signal)
  const remove = signal.removeEventListener.bind(signal)
  signal.addEventListener = (...given: Parameters<typeof add>) => {
    listeners += 1
    add(...given)
  }
  signal.removeEventListener = (...given: Parameters<typeof remove>) => {
    listeners -= 1
    remove(...given)
  }
  for (let round = 0; round < 5; round += 1) await waiters.wait('writable', signal)
  t.equal(listeners, 0)
})

t.test('closing rejects everybody', async (t) => {
  const { waiters } = waited(t)
  const all = [waiters.wait('readable'), waiters.wait('readable')].map(follow)
  let number = 0
  waiters.close(() => {
    number += 1
    return new Error(`closed ${number}`)
  })
  await turns()
  t.same(
    all.map(({ state }) => state),
    ['closed 1', 'closed 2'],
    'each with an error of its own',
  )
})

t.test('closing when nobody waits is nothing', async (t) => {
  const { waiters } = waited(t)
  waiters.close(() => t.fail('nobody is there to be told') as never)
  waiters.close(() => t.fail('nobody is there to be told') as never)
})

t.test('a descriptor that cannot be watched rejects the wait', async (t) => {
  const waiters = new Waiters(999_999)
  await t.rejects(waiters.wait('readable'), { code: 'EBADF', syscall: 'epoll_ctl' })
  await t.rejects(waiters.wait('readable'), { code: 'EBADF', syscall: 'epoll_ctl' }, 'each time')
})

t.test('a descriptor closed by somebody else is told to the next who waits', async (t) => {
  const conn = boundSocket()
  const waiters = new Waiters(conn.fd)
  const first = follow(waiters.wait('readable'))
  await turns()
  libc().close(conn.fd)
  await turns()
  t.equal(first.state, 'pending', 'epoll lets go of it in silence')
  await t.rejects(waiters.wait('writable'), { code: 'EBADF' })
  waiters.close(() => new Error('closed'))
  await turns()
  t.equal(first.state, 'closed')
})

t.test('code after the wait runs in its own context', async (t) => {
  const storage = new AsyncLocalStorage<string>()
  const { conn, waiters } = waited(t)
  const contexts = ['first', 'second'].map((name) =>
    storage.run(name, async () => {
      await waiters.wait('readable')
      return storage.getStore()
    }),
  )
  await turns()
  storage.run('of the sender', () => deliver(conn))
  t.same(await Promise.all(contexts), ['first', 'second'])
})

t.test('a reader who waits in a loop starves no timer and no other socket', async (t) => {
  const { conn, waiters } = waited(t)
  const other = waited(t)
  deliver(conn)
  let isOver = false
  const greedy = (async () => {
    // It never reads, so that it is readable for ever.
    while (!isOver) await waiters.wait('readable')
  })()
  const timer = new Promise<void>((resolve) => setTimeout(resolve, 5))
  const readable = other.waiters.wait('readable')
  deliver(other.conn)
  await Promise.all([timer, readable])
  isOver = true
  await greedy
  t.pass('both came to their turn')
})

t.test('a listener is told each time, in its own context, until it is closed', async (t) => {
  const storage = new AsyncLocalStorage<string>()
  const { conn, waiters } = waited(t)
  const told: (string | undefined)[] = []
  const listening = storage.run('of the listener', () =>
    waiters.listen(() => {
      told.push(storage.getStore())
      drain(conn)
    }),
  )
  for (let round = 0; round < 3; round += 1) {
    storage.run('of the sender', () => deliver(conn))
    await turns()
  }
  t.same(told, new Array(3).fill('of the listener'))
  listening.close()
  listening.close()
  deliver(conn)
  await turns()
  t.equal(told.length, 3)
})

t.test('there is one listener at a time, beside any number who wait', async (t) => {
  const { conn, waiters } = waited(t)
  let told = 0
  const listening = waiters.listen(({ isOpen }) => {
    told += 1
    t.ok(isOpen())
    listening.close()
    t.notOk(isOpen(), 'it can tell that it is no longer wanted')
  })
  t.throws(() => waiters.listen(() => t.fail('a second one')), { code: 'ERR_INVALID_STATE' })
  const readable = follow(waiters.wait('readable'))
  deliver(conn)
  await turns()
  t.equal(told, 1)
  t.equal(readable.state, 'settled')
  t.doesNotThrow(() => waiters.listen(() => drain(conn)), 'the place is free again')
})

t.test('a listener that could not be set up leaves nothing behind', async (t) => {
  const waiters = new Waiters(999_999)
  const listen = () => waiters.listen(() => t.fail('nothing can be told'))
  t.throws(listen, { code: 'EBADF', syscall: 'epoll_ctl' })
  t.throws(listen, { code: 'EBADF', syscall: 'epoll_ctl' }, 'the second time is like the first')
  const readable = follow(waiters.wait('readable'))
  await turns()
  t.match(readable.state, 'EBADF', 'and a wait is told the same, not left hanging')
})
