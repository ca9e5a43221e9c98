import { AsyncLocalStorage } from 'node:async_hooks'
import { setImmediate as loopIteration } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { type BatchConn, SendBatch } from '../../src/index.js'
import { libc } from '../../src/libc/libc.js'
import { Waiters } from '../../src/loop/wait.js'
import { boundSocket, deadEndpoint, drain } from '../support/sockets.js'

interface Waited {
  readonly conn: BatchConn
  readonly waiters: Waiters
}

/** A socket, and waiters for its descriptor other than the socket's own. */
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

async function loopIterations(count = 5): Promise<void> {
  for (let round = 0; round < count; round += 1) await loopIteration()
}

/** Records the state of a promise. */
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

t.test('readable settles when a datagram arrives, writable at once', async (t) => {
  const { conn, waiters } = waited(t)
  const readable = follow(waiters.wait('readable'))
  const writable = follow(waiters.wait('writable'))
  await loopIterations()
  t.equal(readable.state, 'pending')
  t.equal(writable.state, 'settled')
  deliver(conn)
  await loopIterations()
  t.equal(readable.state, 'settled')
})

t.test('a wait settles once: the next wait waits again', async (t) => {
  const { conn, waiters } = waited(t)
  for (let round = 0; round < 3; round += 1) {
    const readable = follow(waiters.wait('readable'))
    await loopIterations()
    t.equal(readable.state, 'pending')
    deliver(conn)
    await loopIterations()
    t.equal(readable.state, 'settled')
    t.equal(drain(conn).length, 1)
  }
})

t.test('a queued datagram settles a wait at once', async (t) => {
  const { conn, waiters } = waited(t)
  deliver(conn)
  const readable = follow(waiters.wait('readable'))
  await loopIterations()
  t.equal(readable.state, 'settled')
})

t.test('all waits settle', async (t) => {
  const { conn, waiters } = waited(t)
  const all = [1, 2, 3].map(() => follow(waiters.wait('readable')))
  await loopIterations()
  deliver(conn)
  await loopIterations()
  t.same(
    all.map(({ state }) => state),
    ['settled', 'settled', 'settled'],
  )
})

t.test('an ICMP error settles readable: there is an error to report', async (t) => {
  const { conn, waiters } = waited(t)
  conn.connect(deadEndpoint())
  const out = new SendBatch({ capacity: 1 })
  out.append('x')
  for (let round = 0; round < 3; round += 1) {
    const readable = follow(waiters.wait('readable'))
    await loopIterations()
    t.equal(readable.state, 'pending')
    out.rewind()
    conn.send(out)
    await loopIterations()
    t.equal(readable.state, 'settled')
    t.throws(() => drain(conn), { code: 'ECONNREFUSED' })
  }
})

t.test('a signal that is aborted already rejects the wait at once', async (t) => {
  const { waiters } = waited(t)
  const reason = new Error('no more')
  await t.rejects(waiters.wait('writable', AbortSignal.abort(reason)), reason)
})

t.test('a signal rejects its own wait with its reason, and no other wait', async (t) => {
  const { conn, waiters } = waited(t)
  const controller = new AbortController()
  const aborted = waiters.wait('readable', controller.signal)
  const other = follow(waiters.wait('readable'))
  const reason = new Error('enough')
  controller.abort(reason)
  await t.rejects(aborted, reason)
  await loopIterations()
  t.equal(other.state, 'pending')
  deliver(conn)
  await loopIterations()
  t.equal(other.state, 'settled')
})

t.test('a signal that is used for many waits collects no listeners', async (t) => {
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

t.test('close rejects all waits', async (t) => {
  const { waiters } = waited(t)
  const all = [waiters.wait('readable'), waiters.wait('readable')].map(follow)
  let number = 0
  waiters.close(() => {
    number += 1
    return new Error(`closed ${number}`)
  })
  await loopIterations()
  t.same(
    all.map(({ state }) => state),
    ['closed 1', 'closed 2'],
    'each with its own error',
  )
})

t.test('close without a wait creates no error', async (t) => {
  const { waiters } = waited(t)
  waiters.close(() => t.fail('there is no wait to reject') as never)
  waiters.close(() => t.fail('there is no wait to reject') as never)
})

t.test('a descriptor that cannot be watched rejects the wait', async (t) => {
  const waiters = new Waiters(999_999)
  await t.rejects(waiters.wait('readable'), { code: 'EBADF', syscall: 'epoll_ctl' })
  await t.rejects(waiters.wait('readable'), { code: 'EBADF', syscall: 'epoll_ctl' }, 'each time')
})

t.test('a descriptor that other code closed rejects the next wait', async (t) => {
  const conn = boundSocket()
  const waiters = new Waiters(conn.fd)
  const first = follow(waiters.wait('readable'))
  await loopIterations()
  libc().close(conn.fd)
  await loopIterations()
  t.equal(first.state, 'pending', 'epoll removes the descriptor without an event')
  await t.rejects(waiters.wait('writable'), { code: 'EBADF' })
  waiters.close(() => new Error('closed'))
  await loopIterations()
  t.equal(first.state, 'closed')
})

t.test('code after a wait runs in its own async context', async (t) => {
  const storage = new AsyncLocalStorage<string>()
  const { conn, waiters } = waited(t)
  const contexts = ['first', 'second'].map((name) =>
    storage.run(name, async () => {
      await waiters.wait('readable')
      return storage.getStore()
    }),
  )
  await loopIterations()
  storage.run('of the sender', () => deliver(conn))
  t.same(await Promise.all(contexts), ['first', 'second'])
})

t.test('a reader that waits in a loop starves no timer and no other socket', async (t) => {
  const { conn, waiters } = waited(t)
  const other = waited(t)
  deliver(conn)
  let isOver = false
  const greedy = (async () => {
    // It never reads, so the socket stays readable.
    while (!isOver) await waiters.wait('readable')
  })()
  const timer = new Promise<void>((resolve) => setTimeout(resolve, 5))
  const readable = other.waiters.wait('readable')
  deliver(other.conn)
  await Promise.all([timer, readable])
  isOver = true
  await greedy
  t.pass('the timer and the other socket were served')
})

t.test('a listener is called for each event, in its own async context, until it is closed', async (t) => {
  const storage = new AsyncLocalStorage<string>()
  const { conn, waiters } = waited(t)
  const calls: (string | undefined)[] = []
  const listening = storage.run('of the listener', () =>
    waiters.listen(() => {
      calls.push(storage.getStore())
      return drain(conn).length
    }),
  )
  for (let round = 0; round < 3; round += 1) {
    storage.run('of the sender', () => deliver(conn))
    await loopIterations()
  }
  t.same(calls, new Array(3).fill('of the listener'))
  listening.close()
  listening.close()
  deliver(conn)
  await loopIterations()
  t.equal(calls.length, 3)
})

t.test('only one listener is permitted at a time, beside any number of waits', async (t) => {
  const { conn, waiters } = waited(t)
  let calls = 0
  const listening = waiters.listen(({ isOpen }) => {
    calls += 1
    t.ok(isOpen())
    listening.close()
    t.notOk(isOpen(), 'isOpen() is false after close')
    return 0
  })
  t.throws(() => waiters.listen(() => Number(t.fail('a second one'))), { code: 'ERR_INVALID_STATE' })
  const readable = follow(waiters.wait('readable'))
  deliver(conn)
  await loopIterations()
  t.equal(calls, 1)
  t.equal(readable.state, 'settled')
  t.doesNotThrow(() => waiters.listen(() => drain(conn).length), 'another listener is permitted after close')
})

t.test('a listener that cannot be set up leaves no state', async (t) => {
  const waiters = new Waiters(999_999)
  const listen = () => waiters.listen(() => Number(t.fail('the listener must not be called')))
  t.throws(listen, { code: 'EBADF', syscall: 'epoll_ctl' })
  t.throws(listen, { code: 'EBADF', syscall: 'epoll_ctl' }, 'the second attempt fails in the same way')
  const readable = follow(waiters.wait('readable'))
  await loopIterations()
  t.match(readable.state, 'EBADF', 'a wait is rejected too, and does not hang')
})
