import t, { type Test } from 'tap'
import { BatchConn, RecvBatch, SendBatch } from '../../src/index.js'
import * as c from '../../src/libc/constants.js'
import { libc } from '../../src/libc/libc.js'
import { boundSocket, deadEndpoint, drain } from '../support/sockets.js'

/** A socket with zero-copy sends, and a batch of GSO sends to a receiver on loopback, where the kernel copies. */
function scene(t: Test, options: { messages?: number; recvErrors?: boolean } = {}) {
  const { messages = 2, recvErrors = false } = options
  const receiver = boundSocket()
  const conn = BatchConn.open({ zeroCopy: { minBytes: 4 }, recvErrors })
  t.teardown(() => {
    receiver.close()
    conn.close()
  })
  const batch = new SendBatch({ capacity: 64, slotBytes: 16 })
  for (let index = 0; index < messages; index += 1) {
    batch.append(`a${index % 10}b${index % 10}`, receiver.localAddress, { segmentBytes: 2 })
  }
  return { receiver, conn, batch }
}

/** Records the flags of the calls that send, and can make those with MSG_ZEROCOPY fail. */
function watchCalls(t: Test, errno = 0): { name: string; count: number; isZeroCopy: boolean }[] {
  const real = libc()
  const { sendmsg, sendmmsg } = real
  const calls: { name: string; count: number; isZeroCopy: boolean }[] = []
  const note = (name: string, count: number, flags: number): boolean => {
    const isZeroCopy = (flags & c.MSG_ZEROCOPY) !== 0
    calls.push({ name, count, isZeroCopy })
    if (!isZeroCopy || errno === 0) return true
    real.errno[0] = errno
    return false
  }
  Object.assign(real, {
    sendmsg: (fd: number, header: number, flags: number) =>
      note('sendmsg', 1, flags) ? sendmsg(fd, header, flags) : -1,
    sendmmsg: (fd: number, headers: number, count: number, flags: number) =>
      note('sendmmsg', count, flags) ? sendmmsg(fd, headers, count, flags) : -1,
  })
  t.teardown(() => Object.assign(real, { sendmsg, sendmmsg }))
  return calls
}

/** Shared memory cannot be detached, so on every version of Node a reference to it is sent with zero-copy. */
function shared(text: string): Buffer {
  const bytes = Buffer.from(new SharedArrayBuffer(text.length))
  bytes.write(text)
  return bytes
}

t.test('a batch in flight cannot be cleared until released() resolves; append uses other slots', async (t) => {
  const { conn, batch, receiver } = scene(t)
  t.equal(conn.send(batch), 2)
  t.equal(batch.inFlight, 2)
  t.throws(() => batch.clear(), { code: 'ERR_BATCH_IN_FLIGHT', message: /released\(batch\)/ })
  t.equal(batch.append('later', receiver.localAddress), 2)
  conn.send(batch)
  await conn.released(batch)
  t.equal(batch.inFlight, 0)
  batch.clear()
  t.equal(batch.length, 0)
  t.strictSame(
    drain(receiver).map(({ text }) => text),
    ['a0', 'b0', 'a1', 'b1', 'later'],
  )
})

t.test('sendAll resolves when the memory is free again', async (t) => {
  const { conn, batch } = scene(t)
  t.match(await conn.sendAll(batch), { sent: 2, failed: [] })
  t.equal(batch.inFlight, 0)
  batch.clear()
})

t.test('waitReleased blocks until the memory is free again', async (t) => {
  const { conn, batch } = scene(t)
  conn.send(batch)
  t.equal(conn.waitReleased(batch, { timeoutMs: 1000 }), true)
  batch.clear()
})

t.test('the same batch twice in flight, and on two sockets: each socket releases its own sends', async (t) => {
  const { conn, batch } = scene(t)
  using other = BatchConn.open({ zeroCopy: { minBytes: 4 } })
  conn.send(batch)
  batch.rewind()
  conn.send(batch)
  batch.rewind()
  other.send(batch)
  t.equal(batch.inFlight, 6)
  await conn.released(batch)
  t.equal(batch.inFlight, 2)
  t.throws(() => batch.clear(), { code: 'ERR_BATCH_IN_FLIGHT' })
  await other.released(batch)
  batch.clear()
})

t.test('after 16 copied sends zero-copy is off, with the reason; sending goes on', async (t) => {
  const { conn, batch, receiver } = scene(t, { messages: 16 })
  t.match(conn.zeroCopy, { available: true, completed: 0, copied: 0, inFlight: 0 })
  await conn.sendAll(batch)
  t.match(conn.zeroCopy, { available: false, reason: /copied the last 16 sends/, completed: 16, copied: 16 })
  batch.rewind()
  t.equal(conn.send(batch), 16)
  t.equal(batch.inFlight, 0)
  t.equal(drain(receiver).length, 64)
})

t.test('a call has only messages of one kind: those below minBytes are copied', async (t) => {
  const { conn, receiver } = scene(t)
  const calls = watchCalls(t)
  const to = receiver.localAddress
  const batch = new SendBatch({ slotBytes: 16, coalesce: true })
  const gso = { segmentBytes: 2 }
  batch.append('aabb', to, gso)
  batch.append('ccdd', to, gso)
  batch.append('eef', to, gso)
  batch.append('long single datagram'.slice(0, 16), to)
  batch.appendReference(shared('gghh'), to, gso)
  t.equal(conn.send(batch), 5)
  t.strictSame(calls, [
    { name: 'sendmmsg', count: 2, isZeroCopy: true },
    { name: 'sendmmsg', count: 2, isZeroCopy: false },
    { name: 'sendmsg', count: 1, isZeroCopy: true },
  ])
  t.equal(batch.inFlight, 3)
  await conn.released(batch)
  t.strictSame(
    drain(receiver).map(({ text }) => text),
    ['aa', 'bb', 'cc', 'dd', 'ee', 'f', 'long single data', 'gg', 'hh'],
  )
})

t.test('ENOBUFS, the limit of net.core.optmem_max or of locked memory: the message is copied', async (t) => {
  const { conn, batch, receiver } = scene(t)
  const calls = watchCalls(t, c.ENOBUFS)
  t.equal(conn.send(batch), 2)
  t.equal(batch.inFlight, 0)
  t.strictSame(
    calls.map(({ count, isZeroCopy }) => [count, isZeroCopy]),
    [
      [2, true],
      [1, false],
      [1, true],
      [1, false],
    ],
  )
  t.equal(conn.zeroCopy.available, true)
  t.strictSame(
    drain(receiver).map(({ text }) => text),
    ['a0', 'b0', 'a1', 'b1'],
  )
})

t.test('network errors and completions share the error queue, and neither is lost', async (t) => {
  const { conn, batch, receiver } = scene(t, { recvErrors: true })
  const lost = new SendBatch({ slotBytes: 16 })
  lost.append('lost', deadEndpoint())
  for (let round = 0; round < 3; round += 1) {
    conn.send(lost)
    lost.rewind()
    conn.send(batch)
    batch.rewind()
  }
  await conn.released(batch)
  // A stored network error fails a call, whose first message is then copied.
  t.match(conn.zeroCopy, { completed: 3, inFlight: 0 })
  // The queue is empty now, so these are from the reads for completions.
  t.strictSame(
    conn.takeErrors().map(({ code }) => code),
    ['ECONNREFUSED', 'ECONNREFUSED', 'ECONNREFUSED'],
  )
  t.equal(drain(receiver).length, 12)
})

t.test('recv reads the completions too, and a listener does not spin on them', async (t) => {
  const { conn, batch } = scene(t)
  conn.bind({ address: '127.0.0.1', port: 0 })
  conn.send(batch)
  t.equal(conn.recv(new RecvBatch()), 0)
  t.equal(batch.inFlight, 0)
})

t.test('an ICMP error that is never read does not end or stop a wait', async (t) => {
  const { batch } = scene(t)
  using conn = BatchConn.open({ zeroCopy: { minBytes: 4 } }).connect(deadEndpoint())
  const out = new SendBatch({ slotBytes: 16 })
  out.append('aabb', undefined, { segmentBytes: 2 })
  conn.send(out)
  await conn.released(out)
  t.equal(out.inFlight, 0)
  t.equal(batch.inFlight, 0)
})

t.test(
  'without the option, disabled by the environment, or unsupported: the reason is reported and sends are copied',
  async (t) => {
    using plain = BatchConn.open()
    t.match(plain.zeroCopy, { available: false, reason: /option zeroCopy/, completed: 0 })
    process.env.BATCHCONN_NO_ZEROCOPY = '1'
    t.teardown(() => delete process.env.BATCHCONN_NO_ZEROCOPY)
    const { conn, batch } = scene(t)
    t.match(conn.zeroCopy, { available: false, reason: /BATCHCONN_NO_ZEROCOPY/ })
    t.equal(conn.send(batch), 2)
    t.equal(batch.inFlight, 0)
    await conn.released(batch)
    delete process.env.BATCHCONN_NO_ZEROCOPY
    const real = libc()
    const { setsockopt } = real
    t.teardown(() => Object.assign(real, { setsockopt }))
    Object.assign(real, {
      setsockopt: (fd: number, level: number, name: number, value: number, length: number) => {
        if (name !== c.SO_ZEROCOPY) return setsockopt(fd, level, name, value, length)
        real.errno[0] = c.ENOPROTOOPT
        return -1
      },
    })
    using old = BatchConn.open({ zeroCopy: true })
    t.match(old.zeroCopy, { available: false, reason: /SO_ZEROCOPY.*ENOPROTOOPT/ })
  },
)

t.test('wrong options are rejected', async (t) => {
  const open = (zeroCopy: unknown) => () => BatchConn.open({ zeroCopy } as never)
  t.throws(open({ minBytes: 0 }), { code: 'ERR_OUT_OF_RANGE', message: /zeroCopy.minBytes/ })
  t.throws(open({ bytes: 1 }), { code: 'ERR_UNKNOWN_OPTION' })
  t.throws(open('yes'), { code: 'ERR_INVALID_ARG_TYPE' })
  t.throws(() => BatchConn.adopt(0, { zeroCopy: true } as never), { code: 'ERR_UNKNOWN_OPTION' })
})
