import { AsyncLocalStorage } from 'node:async_hooks'
import { openSync } from 'node:fs'
import { setImmediate as loopIteration } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { type BatchConn, SendBatch } from '../../src/index.js'
import { EPOLLERR, EPOLLIN, EPOLLOUT } from '../../src/libc/constants.js'
import { ErrnoError } from '../../src/libc/errno-error.js'
import { libc } from '../../src/libc/libc.js'
import { reactor, type Watch } from '../../src/loop/reactor.js'
import { boundSocket, deadEndpoint, drain } from '../support/sockets.js'

const sender = boundSocket()
t.teardown(() => sender.close())

function deliver(...to: BatchConn[]): void {
  const out = new SendBatch({ capacity: to.length })
  for (const { localAddress } of to) out.append('x', localAddress)
  t.equal(sender.send(out), to.length)
}

function socket(t: Test): BatchConn {
  const conn = boundSocket()
  t.teardown(() => conn.close())
  return conn
}

/** Watches until the end of the test. */
function watch(t: Test, conn: BatchConn, events: number, callback: (events: number) => void): Watch {
  const made = reactor().watch(conn.fd, events, callback)
  t.teardown(() => made.close())
  return made
}

/**
 * Runs enough loop iterations to report everything that is ready: loopback delivers at once, and each iteration polls.
 */
async function loopIterations(count = 5): Promise<void> {
  for (let round = 0; round < count; round += 1) await loopIteration()
}

t.test('there is one reactor per thread', async (t) => {
  t.equal(reactor(), reactor())
})

t.test('a watch reports the requested events as long as they last', async (t) => {
  const conn = socket(t)
  const reported: number[] = []
  watch(t, conn, EPOLLIN, (events) => reported.push(events))
  await loopIterations()
  t.same(reported, [], 'nothing is reported without a datagram')
  deliver(conn)
  await loopIterations()
  t.ok(reported.length > 1, 'reported again: the datagram was not read')
  t.ok(reported.every((events) => events === EPOLLIN))
  drain(conn)
  await loopIterations()
  const { length } = reported
  await loopIterations()
  t.equal(reported.length, length, 'nothing is reported after the read')
})

t.test('update changes the requested events', async (t) => {
  const conn = socket(t)
  let reported = 0
  const watched = watch(t, conn, EPOLLIN, (events) => {
    reported |= events
  })
  const eventsSince = async (): Promise<number> => {
    reported = 0
    await loopIterations()
    return reported
  }
  t.equal(await eventsSince(), 0)
  watched.update(EPOLLOUT)
  t.equal(await eventsSince(), EPOLLOUT)
  deliver(conn)
  watched.update(EPOLLIN | EPOLLOUT)
  t.equal(await eventsSince(), EPOLLIN | EPOLLOUT)
  watched.update(0)
  await loopIterations()
  t.equal(await eventsSince(), 0)
})

t.test('an ICMP error is reported without a request, and each time it occurs', async (t) => {
  const conn = socket(t)
  conn.connect(deadEndpoint())
  const reported: number[] = []
  watch(t, conn, 0, (events) => {
    reported.push(events)
    t.throws(() => drain(conn), { code: 'ECONNREFUSED' })
  })
  const out = new SendBatch({ capacity: 1 })
  out.append('x')
  for (const round of [1, 2, 3]) {
    out.rewind()
    conn.send(out)
    await loopIterations()
    t.equal(reported.length, round)
    t.ok((reported[round - 1] & EPOLLERR) !== 0)
  }
})

t.test('close ends the watch, and may be called again', async (t) => {
  const conn = socket(t)
  let reported = 0
  const watched = watch(t, conn, EPOLLIN, () => {
    reported += 1
  })
  deliver(conn)
  watched.close()
  await loopIterations()
  t.equal(reported, 0)
  t.doesNotThrow(() => watched.close())
  t.doesNotThrow(() => watched.update(EPOLLIN), 'update does not resume a closed watch')
  await loopIterations()
  t.equal(reported, 0)
})

t.test('each descriptor has its own callback', async (t) => {
  const conns = [socket(t), socket(t), socket(t)]
  const reported = new Set<number>()
  for (const [index, conn] of conns.entries()) {
    watch(t, conn, EPOLLIN, () => {
      reported.add(index)
      drain(conn)
    })
  }
  deliver(conns[0], conns[2])
  await loopIterations()
  t.same([...reported].sort(), [0, 2])
})

t.test('a callback may close its own watch, and any other', async (t) => {
  const conns = [socket(t), socket(t)]
  let reported = 0
  const watches = conns.map((conn) =>
    watch(t, conn, EPOLLIN, () => {
      reported += 1
      for (const each of watches) each.close()
    }),
  )
  deliver(...conns)
  await loopIterations()
  t.equal(reported, 1, 'a watch that is closed in the same loop iteration is not called')
})

t.test('a new socket with the number of a closed one gets no events of the closed one', async (t) => {
  const [first, second] = [socket(t), socket(t)]
  const news: number[] = []
  let sameNumber = false
  // The first callback closes the other socket, and opens a socket that gets its number.
  const replace = (other: BatchConn, watched: () => Watch): void => {
    watched().close()
    const { fd } = other
    other.close()
    const next = socket(t)
    sameNumber = next.fd === fd
    watch(t, next, EPOLLIN, (events) => news.push(events))
  }
  let done = false
  const once = (act: () => void) => () => {
    if (!done) act()
    done = true
  }
  const watches: Watch[] = [
    watch(
      t,
      first,
      EPOLLIN,
      once(() => replace(second, () => watches[1])),
    ),
    watch(
      t,
      second,
      EPOLLIN,
      once(() => replace(first, () => watches[0])),
    ),
  ]
  deliver(first, second)
  await loopIterations()
  t.ok(done)
  t.ok(sameNumber, 'the kernel returns the lowest free number')
  t.same(news, [], 'the new socket got no event')
})

t.test('more ready descriptors than one epoll_wait returns are all reported', async (t) => {
  const conns = Array.from({ length: 150 }, () => socket(t))
  const reported = new Set<number>()
  for (const conn of conns) {
    watch(t, conn, EPOLLIN, () => {
      reported.add(conn.fd)
      drain(conn)
    })
  }
  deliver(...conns)
  await loopIterations(10)
  t.equal(reported.size, 150)
})

t.test('a descriptor that cannot be watched is an error, and other watches keep working', async (t) => {
  const conn = socket(t)
  let reported = 0
  watch(t, conn, EPOLLIN, () => {
    reported += 1
    drain(conn)
  })
  const file = openSync(__filename, 'r')
  t.teardown(() => libc().close(file))
  const table: [what: string, fd: number, code: string][] = [
    ['no descriptor', -1, 'EBADF'],
    ['an unused number', 999_999, 'EBADF'],
    ['a file', file, 'EPERM'],
    ['a descriptor under watch', conn.fd, 'EEXIST'],
  ]
  for (const [what, fd, code] of table) {
    const act = () => reactor().watch(fd, EPOLLIN, () => t.fail(`${what} was reported`))
    t.throws(act, ErrnoError, what)
    t.throws(act, { code, syscall: 'epoll_ctl' }, what)
  }
  deliver(conn)
  await loopIterations()
  t.equal(reported, 1)
})

t.test('the callback runs in the async context of its watch call', async (t) => {
  const storage = new AsyncLocalStorage<string>()
  const reported: (string | undefined)[] = []
  for (const name of ['first', 'second']) {
    const conn = socket(t)
    storage.run(name, () =>
      watch(t, conn, EPOLLIN, () => {
        reported.push(storage.getStore())
        drain(conn)
      }),
    )
    storage.run('of the sender', () => deliver(conn))
  }
  await loopIterations()
  t.same(reported.sort(), ['first', 'second'])
})
