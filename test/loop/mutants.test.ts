import { AsyncResource } from 'node:async_hooks'
import { setImmediate as loopIteration } from 'node:timers/promises'
import t from 'tap'
import { SendBatch } from '../../src/index.js'
import { EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLLIN, EPOLLOUT } from '../../src/libc/constants.js'
import { libc } from '../../src/libc/libc.js'
import { watchDirectly } from '../../src/loop/direct-watch.js'
import { reactor } from '../../src/loop/reactor.js'
import { boundSocket } from '../support/sockets.js'

t.test('one descriptor watched for EPOLLIN is notified without epoll_wait, with a check every 17 events', async (t) => {
  const conn = boundSocket()
  const real = libc().epoll_wait
  let waits = 0
  let events = 0
  libc().epoll_wait = (...args) => {
    waits += 1
    return real(...args)
  }
  const watch = reactor().watch(conn.fd, EPOLLIN, () => {
    events += 1
  })
  t.teardown(() => {
    libc().epoll_wait = real
    watch.close()
    conn.close()
  })
  const out = new SendBatch({ capacity: 1 })
  out.append('x', conn.localAddress)
  t.equal(conn.send(out), 1)
  // The datagram is not read, so every loop iteration has an event.
  for (let round = 0; round < 1000 && events < 51; round += 1) await loopIteration()
  t.ok(events >= 51, `${events} events`)
  t.equal(waits, Math.floor(events / 17), 'number of epoll_wait calls')
})

t.test('a direct watch reports again after pause and resume, and reports the events of update', async (t) => {
  const conn = boundSocket()
  const seen: number[] = []
  const watch = watchDirectly(conn.fd, EPOLLIN, (events) => seen.push(events), new AsyncResource('TEST'))
  t.teardown(() => {
    watch.close()
    conn.close()
  })
  const eventsOf = async () => {
    seen.length = 0
    for (let round = 0; round < 100 && seen.length === 0; round += 1) await loopIteration()
    return seen[0]
  }
  const out = new SendBatch({ capacity: 1 })
  out.append('x', conn.localAddress)
  t.equal(conn.send(out), 1)
  t.equal(await eventsOf(), EPOLLIN)
  watch.pause()
  t.equal(await eventsOf(), undefined, 'paused')
  watch.resume()
  t.equal(await eventsOf(), EPOLLIN, 'resumed')
  watch.update(EPOLLOUT)
  t.equal(await eventsOf(), EPOLLOUT)
  watch.update(0)
  t.equal(await eventsOf(), undefined, 'no event is requested')
  watch.update(EPOLLIN | EPOLLOUT)
  t.equal(await eventsOf(), EPOLLIN | EPOLLOUT)
})

t.test('a direct watch that is closed twice closes its descriptor once', async (t) => {
  const conn = boundSocket()
  t.teardown(() => conn.close())
  const native = libc()
  const { close } = native
  t.teardown(() => Object.assign(native, { close }))
  const closed: number[] = []
  const recorded: typeof close = (fd) => {
    closed.push(fd)
    return close(fd)
  }
  Object.assign(native, { close: recorded })
  const watch = watchDirectly(conn.fd, EPOLLIN, () => {}, new AsyncResource('TEST'))
  watch.close()
  watch.close()
  t.equal(closed.length, 1)
})

t.test('a closed watch is removed from the epoll, although its descriptor stays open', async (t) => {
  const conn = boundSocket()
  t.teardown(() => conn.close())
  const native = libc()
  const { epoll_ctl } = native
  t.teardown(() => Object.assign(native, { epoll_ctl }))
  const operations: number[] = []
  const recorded: typeof epoll_ctl = (epoll, operation, fd, event) => {
    if (fd === conn.fd) operations.push(operation)
    return epoll_ctl(epoll, operation, fd, event)
  }
  Object.assign(native, { epoll_ctl: recorded })
  reactor()
    .watch(conn.fd, EPOLLIN, () => {})
    .close()
  t.strictSame(operations, [EPOLL_CTL_ADD, EPOLL_CTL_DEL])
})
