import { setTimeout as sleep } from 'node:timers/promises'
import { runInNewContext } from 'node:vm'
import t, { type Test } from 'tap'
import { BatchConn, probe, RecvBatch, SendBatch } from '../../src/index.js'
import { libc } from '../../src/libc/libc.js'
import { Counters } from '../../src/socket/counters.js'
import { boundSocket, drain } from '../support/sockets.js'

// The execution ends after the system call and before its result is recorded: it is terminated (a timeout of node:vm, Ctrl-C
// in the REPL), and no `finally` runs, or the stack overflows.

type MessageCall = 'sendmsg' | 'sendmmsg' | 'recvmsg' | 'recvmmsg'

/**
 * Runs `action`, terminated directly after its first system call of this name.
 *
 * @param recover - called if it was terminated before, on a busy machine
 */
function terminateAfter(t: Test, call: MessageCall, action: () => unknown, recover = () => {}): void {
  const shared = libc() as { -readonly [name in keyof ReturnType<typeof libc>]: ReturnType<typeof libc>[name] }
  const real: (...given: never[]) => number = shared[call]
  let isReached = false
  const endless = (...given: never[]): number => {
    isReached = true
    real(...given)
    for (;;);
  }
  Object.assign(shared, { [call]: endless })
  let code: unknown
  try {
    for (let attempt = 0; !isReached && attempt < 100; attempt += 1) {
      if (attempt > 0) recover()
      code = terminated(action)
    }
  } finally {
    Object.assign(shared, { [call]: real })
  }
  t.equal(code, 'ERR_SCRIPT_EXECUTION_TIMEOUT')
}

function terminated(action: () => unknown): unknown {
  try {
    return runInNewContext('action()', { action }, { timeout: 20 })
  } catch (error) {
    return (error as NodeJS.ErrnoException).code
  }
}

/** Runs `action` while a method of the counters, which is called after the system call, throws as at the end of the stack. */
function overflowIn(t: Test, method: 'sendCall' | 'received', action: () => unknown): void {
  const real = Counters.prototype[method]
  Object.assign(Counters.prototype, {
    [method]: () => {
      throw new RangeError('Maximum call stack size exceeded')
    },
  })
  try {
    t.throws(action, RangeError)
  } finally {
    Object.assign(Counters.prototype, { [method]: real })
  }
}

t.test('a stack overflow after the call: not sent twice, and a loss is reported', async (t) => {
  using receiver = boundSocket()
  using conn = BatchConn.open().connect(receiver.localAddress)
  const out = new SendBatch()
  for (const text of ['a', 'b', 'c']) out.append(text)
  overflowIn(t, 'sendCall', () => conn.send(out))
  t.throws(() => conn.send(out), { code: 'ERR_SEND_INTERRUPTED' })
  const inbox = new RecvBatch()
  overflowIn(t, 'received', () => receiver.recv(inbox))
  t.throws(() => receiver.recv(inbox), { code: 'ERR_RECEIVE_INTERRUPTED' })
  t.equal(receiver.recv(inbox), 0)
})

for (const count of [1, 3]) {
  t.test(`send of ${count}: the batch is not sent twice, until clear or rewind`, async (t) => {
    using receiver = boundSocket()
    using conn = BatchConn.open().connect(receiver.localAddress)
    const out = new SendBatch({ capacity: count })
    for (let index = 0; index < count; index += 1) out.append(`${index}`)
    const call = count === 1 ? 'sendmsg' : 'sendmmsg'
    terminateAfter(
      t,
      call,
      () => conn.send(out),
      () => out.rewind(),
    )
    t.equal(drain(receiver).length, count)
    const wanted = { code: 'ERR_SEND_INTERRUPTED' }
    t.throws(() => conn.send(out), wanted)
    await t.rejects(conn.sendAll(out), wanted)
    t.equal(drain(receiver).length, 0)
    out.rewind()
    t.equal(conn.send(out), count)
    terminateAfter(t, 'sendmsg', () => {
      out.clear()
      out.append('x')
      conn.send(out)
    })
    out.clear()
    out.append('next')
    t.equal(conn.send(out), 1)
    t.equal(drain(receiver).length, count + 2)
  })
}

for (const capacity of [1, 4]) {
  t.test(`recv with ${capacity} slots: the loss is reported once, and the headers are restored`, async (t) => {
    using receiver = boundSocket({ recvTtl: true })
    using conn = BatchConn.open().connect(receiver.localAddress)
    const inbox = new RecvBatch({ capacity })
    const out = new SendBatch()
    for (const text of ['a', 'b', 'c', 'd']) out.append(text)
    conn.send(out)
    terminateAfter(t, capacity === 1 ? 'recvmsg' : 'recvmmsg', () => receiver.recv(inbox))
    t.throws(() => receiver.recv(inbox), { code: 'ERR_RECEIVE_INTERRUPTED' })
    t.equal(receiver.recv(inbox), capacity === 1 ? 1 : 0)
    out.rewind()
    conn.send(out)
    t.equal(receiver.recv(inbox), capacity)
    t.strictSame([...inbox].map(({ ttl, source }) => [ttl, `${source}`]).at(-1), [64, `${conn.localAddress}`])
  })
}

const { available, reason } = probe().features.zeroCopy

t.test(
  'a zero-copy send counts as in flight, and its release is unknown',
  { skip: available ? false : reason },
  async (t) => {
    using receiver = boundSocket()
    const conn = BatchConn.open({ zeroCopy: { minBytes: 1 } }).connect(receiver.localAddress)
    const out = new SendBatch({ capacity: 1, slotBytes: 4000 })
    out.append(Buffer.alloc(4000), undefined, { segmentBytes: 1000 })
    terminateAfter(t, 'sendmsg', () => conn.send(out))
    t.equal(out.inFlight, 1)
    t.throws(() => out.clear(), { code: 'ERR_BATCH_IN_FLIGHT' })
    const other = new SendBatch({ capacity: 1, slotBytes: 4000 })
    other.append(Buffer.alloc(4000), undefined, { segmentBytes: 1000 })
    t.equal(conn.send(other), 1)
    t.equal(other.inFlight, 0, 'copied: zero-copy is off')
    t.match(conn.zeroCopy, { available: false, reason: /terminated/ })
    await t.rejects(conn.released(out), { code: 'ERR_RELEASE_UNKNOWN' })
    conn.close()
    await sleep(1)
    t.throws(() => out.clear(), { code: 'ERR_BATCH_IN_FLIGHT' })
  },
)

t.test(
  'a zero-copy send that never reached the kernel: its release is unknown',
  { skip: available ? false : reason },
  async (t) => {
    using receiver = boundSocket()
    using conn = BatchConn.open({ zeroCopy: { minBytes: 1 } }).connect(receiver.localAddress)
    const out = new SendBatch({ capacity: 1, slotBytes: 4000 })
    out.append(Buffer.alloc(4000), undefined, { segmentBytes: 1000 })
    const shared = libc() as { sendmsg: (...given: never[]) => number }
    const { sendmsg } = shared
    shared.sendmsg = () => {
      throw new RangeError('Maximum call stack size exceeded')
    }
    t.throws(() => conn.send(out), RangeError)
    shared.sendmsg = sendmsg
    await t.rejects(conn.released(out), { code: 'ERR_RELEASE_UNKNOWN' })
    t.throws(() => conn.waitReleased(out), { code: 'ERR_RELEASE_UNKNOWN' })
  },
)
