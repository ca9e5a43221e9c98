import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { BatchConn, RecvBatch, SendBatch } from '../../src/index.js'
import { koffi } from '../../src/libc/koffi.js'
import { libc } from '../../src/libc/libc.js'
import { boundSocket, deadEndpoint } from '../support/sockets.js'

const library = koffi().load(null)
const dup: (fd: number) => number = library.func('int dup(int)')
const shutdown: (fd: number, how: number) => number = library.func('int shutdown(int, int)')
const SHUT_RD = 0

function send(to: BatchConn, from: BatchConn): void {
  const out = new SendBatch({ capacity: 1 })
  out.append('x', to.localAddress)
  from.send(out)
}

/** Counts this thread's calls of `epoll_wait` and `recvmmsg` for some time. */
async function kernelCalls(t: Test): Promise<number> {
  let calls = 0
  const shared = libc() as { -readonly [name in keyof ReturnType<typeof libc>]: ReturnType<typeof libc>[name] }
  const { epoll_wait, recvmmsg } = shared
  shared.epoll_wait = (...given) => {
    calls += 1
    return epoll_wait(...given)
  }
  shared.recvmmsg = (...given) => {
    calls += 1
    return recvmmsg(...given)
  }
  t.teardown(() => Object.assign(shared, { epoll_wait, recvmmsg }))
  await sleep(100)
  Object.assign(shared, { epoll_wait, recvmmsg })
  return calls
}

t.test('an ICMP error ends neither the process nor the reading, with and without onError', async (t) => {
  for (const errors of [undefined, [] as Error[]]) {
    using conn = BatchConn.open().connect(deadEndpoint())
    const options = errors === undefined ? {} : { onError: (error: Error) => errors.push(error) }
    conn.onReadable(new RecvBatch(), () => {}, options)
    const out = new SendBatch({ capacity: 1 })
    out.append('x')
    conn.send(out)
    await sleep(50)
    if (errors !== undefined) t.match(errors, [{ code: 'ECONNREFUSED' }])
  }
})

t.test('batches() lets the event loop run while errors arrive', async (t) => {
  const conn = BatchConn.open().connect(deadEndpoint())
  const out = new SendBatch({ capacity: 1 })
  out.append('x')
  let errors = 0
  const onError = () => {
    errors += 1
    if (errors > 100_000) throw new Error('the event loop does not run')
    out.rewind()
    conn.send(out)
  }
  setTimeout(() => conn.close(), 20)
  conn.send(out)
  for await (const batch of conn.batches(new RecvBatch(), { onError })) t.fail(`${batch.length} datagrams`)
  t.ok(errors > 0)
})

t.test('batches() continues after an ICMP error', async (t) => {
  const port = deadEndpoint()
  using conn = BatchConn.open().connect(port)
  const errors: Error[] = []
  const next = conn.batches(new RecvBatch(), { onError: (error) => errors.push(error) }).next()
  const out = new SendBatch({ capacity: 1 })
  out.append('x')
  conn.send(out)
  await sleep(50)
  using peer = BatchConn.open().bind(port)
  send(conn, peer)
  t.equal((await next).value?.length, 1)
  t.match(errors, [{ code: 'ECONNREFUSED' }])
})

t.test('slots too small for gro are rejected at once', async (t) => {
  using conn = boundSocket({ gro: true })
  if (!conn.gro.available) return
  t.throws(() => conn.onReadable(new RecvBatch(), () => {}), { code: 'ERR_SLOT_TOO_SMALL' })
  t.throws(() => conn.batches(new RecvBatch()), { code: 'ERR_SLOT_TOO_SMALL' })
})

t.test('a descriptor that other code closed while a duplicate is open: one error, and no busy loop', async (t) => {
  const conn = boundSocket()
  using sender = boundSocket()
  using other = boundSocket()
  const duplicate = dup(conn.fd)
  const errors: Error[] = []
  let received = 0
  conn.onReadable(new RecvBatch(), () => {}, { onError: (error) => errors.push(error) })
  other.onReadable(new RecvBatch(), (batch) => {
    received += batch.length
  })
  const to = conn.localAddress
  libc().close(conn.fd)
  const out = new SendBatch({ capacity: 1 })
  out.append('x', to)
  sender.send(out)
  await sleep(50)
  const calls = await kernelCalls(t)
  t.ok(calls < 20, `${calls} calls`)
  t.match(errors, [{ code: 'EBADF' }])
  t.ok(conn.closed, 'the socket is closed, because its number may be in use again')
  t.doesNotThrow(() => conn.close())
  send(other, sender)
  await sleep(50)
  t.equal(received, 1, 'other sockets keep receiving')
  libc().close(duplicate)
})

t.test('shutdown(SHUT_RD) by another holder: the queued datagrams, then one error, and no busy loop', async (t) => {
  using conn = boundSocket()
  using sender = boundSocket()
  const errors: Error[] = []
  let received = 0
  send(conn, sender)
  conn.onReadable(
    new RecvBatch(),
    (batch) => {
      received += batch.length
    },
    { onError: (error) => errors.push(error) },
  )
  // On UDP, shutdown(2) requires a connected socket.
  conn.connect(sender.localAddress)
  shutdown(conn.fd, SHUT_RD)
  await sleep(50)
  const calls = await kernelCalls(t)
  t.ok(calls < 20, `${calls} calls`)
  t.equal(received, 1)
  t.match(errors, [{ code: 'ESHUTDOWN' }])
  t.throws(() => conn.recvBlocking(new RecvBatch(), { timeoutMs: 1000 }), { code: 'ESHUTDOWN' })
  await t.rejects(conn.batches(new RecvBatch()).next(), { code: 'ESHUTDOWN' })
})
