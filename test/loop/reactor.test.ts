import { AsyncLocalStorage } from 'node:async_hooks'
import { openSync } from 'node:fs'
import { setImmediate as turn } from 'node:timers/promises'
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

/** Watches until the test is over. */
function watch(t: Test, conn: BatchConn, events: number, callback: (events: number) => void): Watch {
  const made = reactor().watch(conn.fd, events, callback)
  t.teardown(() => made.close())
  return made
}

/** Time enough for whatever is ready to be told: loopback delivers at once, and each turn polls. */
async function turns(count = 5): Promise<void> {
  for (let round = 0; round < count; round += 1) await turn()
}

t.test('there is one a thread', async (t) => {
  t.equal(reactor(), reactor())
})

t.test('a descriptor is told what it is watched for, for as long as it is so', async (t) => {
  const conn = socket(t)
  const told: number[] = []
  watch(t, conn, EPOLLIN, (events) => told.push(events))
  await turns()
  t.same(told, [], 'nothing before there is something')
  deliver(conn)
  await turns()
  t.ok(told.length > 1, 'told again: it was not read')
  t.ok(told.every((events) => events === EPOLLIN))
  drain(conn)
  await turns()
  const { length } = told
  await turns()
  t.equal(told.length, length, 'nothing once it is read')
})

t.test('update changes what is waited for', async (t) => {
  const conn = socket(t)
  let told = 0
  const watched = watch(t, conn, EPOLLIN, (events) => {
    told |= events
  })
  const toldSince = async (): Promise<number> => {
    told = 0
    await turns()
    return told
  }
  t.equal(await toldSince(), 0)
  watched.update(EPOLLOUT)
  t.equal(await toldSince(), EPOLLOUT)
  deliver(conn)
  watched.update(EPOLLIN | EPOLLOUT)
  t.equal(await toldSince(), EPOLLIN | EPOLLOUT)
  watched.update(0)
  await turns()
  t.equal(await toldSince(), 0)
})

t.test('an ICMP error is told without being asked for, and not for the last time', async (t) => {
  const conn = socket(t)
  conn.connect(deadEndpoint())
  const told: number[] = []
  watch(t, conn, 0, (events) => {
    told.push(events)
    t.throws(() => drain(conn), { code: 'ECONNREFUSED' })
  })
  const out = new SendBatch({ capacity: 1 })
  out.append('x')
  for (const round of [1, 2, 3]) {
    out.rewind()
    conn.send(out)
    await turns()
    t.equal(told.length, round)
    t.ok((told[round - 1] & EPOLLERR) !== 0)
  }
})

t.test('close ends it, and may be called again', async (t) => {
  const conn = socket(t)
  let told = 0
  const watched = watch(t, conn, EPOLLIN, () => {
    told += 1
  })
  deliver(conn)
  watched.close()
  await turns()
  t.equal(told, 0)
  t.doesNotThrow(() => watched.close())
  t.doesNotThrow(() => watched.update(EPOLLIN), 'nor does an update bring it back')
  await turns()
  t.equal(told, 0)
})

t.test('each descriptor has its own callback', async (t) => {
  const conns = [socket(t), socket(t), socket(t)]
  const told = new Set<number>()
  for (const [index, conn] of conns.entries()) {
    watch(t, conn, EPOLLIN, () => {
      told.add(index)
      drain(conn)
    })
  }
  deliver(conns[0], conns[2])
  await turns()
  t.same([...told].sort(), [0, 2])
})

t.test('a callback may close its own watch, and any other', async (t) => {
  const conns = [socket(t), socket(t)]
  let told = 0
  const watches = conns.map((conn) =>
    watch(t, conn, EPOLLIN, () => {
      told += 1
      for (const each of watches) each.close()
    }),
  )
  deliver(...conns)
  await turns()
  t.equal(told, 1, 'who is closed in the same turn is not told')
})

t.test('a new socket with the number of one that was ready is not told of what the old one had', async (t) => {
  const [first, second] = [socket(t), socket(t)]
  const news: number[] = []
  let sameNumber = false
  // Whichever comes first closes the other, and opens a socket that gets its number.
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
  await turns()
  t.ok(done)
  t.ok(sameNumber, 'the kernel gives the lowest number that is free')
  t.same(news, [], 'nothing has come to the new socket')
})

t.test('more descriptors than one turn takes are all told', async (t) => {
  const conns = Array.from({ length: 150 }, () => socket(t))
  const told = new Set<number>()
  for (const conn of conns) {
    watch(t, conn, EPOLLIN, () => {
      told.add(conn.fd)
      drain(conn)
    })
  }
  deliver(...conns)
  await turns(10)
  t.equal(told.size, 150)
})

t.test('what cannot be watched is an error, and harms nobody', async (t) => {
  const conn = socket(t)
  let told = 0
  watch(t, conn, EPOLLIN, () => {
    told += 1
    drain(conn)
  })
  const file = openSync(__filename, 'r')
  t.teardown(() => libc().close(file))
  const table: [what: string, fd: number, code: string][] = [
    ['no descriptor', -1, 'EBADF'],
    ['a descriptor nobody has', 999_999, 'EBADF'],
    ['a file', file, 'EPERM'],
    ['a descriptor under watch', conn.fd, 'EEXIST'],
  ]
  for (const [what, fd, code] of table) {
    const act = () => reactor().watch(fd, EPOLLIN, () => t.fail(`${what} was told`))
    t.throws(act, ErrnoError, what)
    t.throws(act, { code, syscall: 'epoll_ctl' }, what)
  }
  deliver(conn)
  await turns()
  t.equal(told, 1)
})

t.test('the callback runs in the context of whoever asked', async (t) => {
  const storage = new AsyncLocalStorage<string>()
  const told: (string | undefined)[] = []
  for (const name of ['first', 'second']) {
    const conn = socket(t)
    storage.run(name, () =>
      watch(t, conn, EPOLLIN, () => {
        told.push(storage.getStore())
        drain(conn)
      }),
    )
    storage.run('of the sender', () => deliver(conn))
  }
  await turns()
  t.same(told.sort(), ['first', 'second'])
})
