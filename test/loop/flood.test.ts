import { setImmediate as iteration } from 'node:timers/promises'
import t, { type Test } from 'tap'
import dgram from '../../src/dgram/index.js'
import { BatchConn, type Endpoint, endpoint, RecvBatch, SendBatch } from '../../src/index.js'
import { EPOLL_CTL_ADD, EPOLL_CTL_DEL } from '../../src/libc/constants.js'
import { libc } from '../../src/libc/libc.js'

// A socket whose calls keep filling the batch is not watched, and is read once per loop iteration instead.

const FLOOD = 3_000

function flood(to: Endpoint, count = FLOOD): void {
  using conn = BatchConn.open()
  const out = new SendBatch({ capacity: count, slotBytes: 8 })
  for (let index = 0; index < count; index += 1) out.append(String(index), to)
  while (out.remaining > 0) conn.send(out)
}

function flooded(t: Test): BatchConn {
  const conn = BatchConn.open({ receiveBufferBytes: 16 << 20 }).bind({ address: '127.0.0.1', port: 0 })
  t.teardown(() => conn.close())
  return conn
}

/** Records the changes of the epoll for one descriptor. */
function recordEpoll(t: Test, fd: number): string[] {
  const native = libc()
  const { epoll_ctl } = native
  const seen: string[] = []
  t.teardown(() => Object.assign(native, { epoll_ctl }))
  const recorded: typeof epoll_ctl = (epoll, operation, changed, event) => {
    if (changed === fd && operation === EPOLL_CTL_DEL) seen.push('off')
    if (changed === fd && operation === EPOLL_CTL_ADD) seen.push('on')
    return epoll_ctl(epoll, operation, changed, event)
  }
  Object.assign(native, { epoll_ctl: recorded })
  return seen
}

async function until(condition: () => boolean): Promise<void> {
  for (let round = 0; round < 10_000 && !condition(); round += 1) await iteration()
}

t.test('onReadable: a flood is read without the epoll, in order, and the watch returns after it', async (t) => {
  const conn = flooded(t)
  const seen = recordEpoll(t, conn.fd)
  const texts: string[] = []
  conn.onReadable(new RecvBatch(), (batch) => {
    for (const { bytes } of batch) texts.push(String(bytes))
  })
  t.strictSame(seen.splice(0), ['on'])
  flood(conn.localAddress)
  await until(() => seen.length === 2)
  t.strictSame(
    texts,
    Array.from({ length: FLOOD }, (_, index) => String(index)),
  )
  t.strictSame(seen.splice(0), ['off', 'on'])
  flood(conn.localAddress, 1)
  await until(() => texts.length > FLOOD)
  t.equal(texts.length, FLOOD + 1, 'the watch works again')
  t.strictSame(seen, [], 'a single datagram is no flood')
})

t.test('batches of one datagram: few are no flood', async (t) => {
  const conn = flooded(t)
  const seen = recordEpoll(t, conn.fd)
  let count = 0
  conn.onReadable(new RecvBatch({ capacity: 1 }), () => {
    count += 1
  })
  flood(conn.localAddress, 10)
  await until(() => count === 10)
  await iteration()
  t.strictSame(seen, ['on'])
})

t.test('the callback closes its socket in the middle of a flood', async (t) => {
  const conn = flooded(t)
  let calls = 0
  conn.onReadable(new RecvBatch(), () => {
    calls += 1
    if (calls === 5) conn.close()
  })
  flood(conn.localAddress)
  await until(() => calls === 5)
  for (let round = 0; round < 10; round += 1) await iteration()
  t.equal(calls, 5)
})

t.test('an unreferenced socket stays watched: the loop may block', async (t) => {
  const conn = flooded(t).unref()
  const seen = recordEpoll(t, conn.fd)
  let count = 0
  conn.onReadable(new RecvBatch(), (batch) => {
    count += batch.length
  })
  flood(conn.localAddress)
  await until(() => count === FLOOD)
  t.equal(count, FLOOD)
  t.strictSame(seen, ['on'])
})

t.test('readable() beside a flooded callback settles for datagrams that are left, not for none', async (t) => {
  const conn = flooded(t)
  const reading = conn.onReadable(new RecvBatch(), () => {})
  flood(conn.localAddress, 300)
  await iteration()
  await iteration()
  let isSettled = false
  const controller = new AbortController()
  const wait = conn.readable({ signal: controller.signal }).then(() => {
    isSettled = true
  })
  for (let round = 0; round < 10; round += 1) await iteration()
  t.equal(isSettled, false)
  reading.close()
  flood(conn.localAddress, 1)
  await wait
  t.equal(isSettled, true)
})

t.test('batchconn/dgram: each datagram is one event, in order', async (t) => {
  const socket = dgram.createSocket({ type: 'udp4', recvBufferSize: 16 << 20, gro: false })
  t.teardown(() => socket.close())
  const texts: string[] = []
  socket.on('message', (message) => texts.push(String(message)))
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  const { port } = socket.address()
  for (const count of [FLOOD, 1]) {
    flood(endpoint({ address: '127.0.0.1', port }), count)
    texts.length = 0
    await until(() => texts.length === count)
    t.strictSame(
      texts,
      Array.from({ length: count }, (_, index) => String(index)),
    )
  }
})

t.test('of 50 sockets one is flooded without end: the others and timers have their turn', async (t) => {
  const conns = Array.from({ length: 50 }, () => flooded(t))
  const [greedy, ...quiet] = conns
  const counts = new Map<BatchConn, number>()
  for (const conn of conns) {
    conn.onReadable(new RecvBatch(), (batch) => counts.set(conn, (counts.get(conn) ?? 0) + batch.length))
  }
  let timers = 0
  const timer = setInterval(() => {
    timers += 1
  }, 1)
  flood(greedy.localAddress, 1_000)
  for (const conn of quiet) flood(conn.localAddress, 1)
  let rounds = 0
  while (quiet.some((conn) => !counts.has(conn)) || timers < 3) {
    // As many as one iteration takes, so that the flood never ends.
    flood(greedy.localAddress, 300)
    await iteration()
    rounds += 1
    if (rounds > 2_000) break
  }
  clearInterval(timer)
  t.ok(rounds < 2_000, `${rounds} loop iterations`)
  t.strictSame([...new Set(quiet.map((conn) => counts.get(conn)))], [1])
})
