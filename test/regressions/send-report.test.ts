import t, { type Test } from 'tap'
import { BatchConn, type Endpoint, endpoint, RecvBatch, SendBatch } from '../../src/index.js'
import { EAGAIN, ECONNREFUSED, EINTR, EPERM } from '../../src/libc/constants.js'
import { libc } from '../../src/libc/libc.js'
import { boundSocket } from '../support/sockets.js'

const EHOSTUNREACH = 113

const peer = endpoint({ address: '127.0.0.1', port: 9 })

/** Scripts the message calls of this thread's libc. A function returns a count, or a negative errno. */
function scripted(t: Test, answer: (count: number) => number): void {
  const shared = libc() as { -readonly [name in keyof ReturnType<typeof libc>]: ReturnType<typeof libc>[name] }
  const { sendmsg, sendmmsg } = shared
  const run = (count: number) => {
    const result = answer(count)
    if (result >= 0) return result
    shared.errno[0] = -result
    return -1
  }
  shared.sendmsg = () => run(1)
  shared.sendmmsg = (_fd, _headers, count) => run(count)
  t.teardown(() => Object.assign(shared, { sendmsg, sendmmsg }))
}

function filled(count: number, to: Endpoint = peer): SendBatch {
  const out = new SendBatch({ capacity: count, slotBytes: 8 })
  for (let index = 0; index < count; index += 1) out.append('x', to)
  return out
}

t.test('sendAll is aborted or closed while it waits: the failures stay in the batch', async (t) => {
  for (const end of ['abort while waiting', 'abort in a pause', 'close'] as const) {
    const conn = BatchConn.open()
    t.teardown(() => conn.close())
    const receiver = boundSocket()
    t.teardown(() => receiver.close())
    const out = new SendBatch({ capacity: 2, slotBytes: 70_000 })
    out.append(Buffer.alloc(66_000), receiver.localAddress)
    out.append('x', receiver.localAddress)
    t.equal(conn.family, 'ipv4')
    const controller = new AbortController()
    const reason = new Error('the reason')
    const { sendmsg } = libc()
    scripted(t, () => (out.sent === 0 ? -90 : -EAGAIN))
    const sending = conn.sendAll(out, { signal: controller.signal })
    if (end === 'close') setTimeout(() => conn.close(), 5)
    else setTimeout(() => controller.abort(reason), end === 'abort in a pause' ? 30 : 1)
    if (end === 'close') await t.rejects(sending, { code: 'ERR_SOCKET_CLOSED' })
    else t.equal(await sending.catch((error) => error), reason, end)
    t.equal(out.sent, 1)
    t.match(out.failed, [{ index: 0, error: { code: 'EMSGSIZE' } }])
    Object.assign(libc(), { sendmsg })
    out.clear()
    t.strictSame(out.failed, [])
  }
})

t.test('an errno that occurs once does not use up the retries of another errno', async (t) => {
  const scripts: number[][] = [
    [-EPERM, 2],
    [-EINTR, -EPERM, 2],
    [-ECONNREFUSED, -EPERM, 2],
    [-EHOSTUNREACH, -ECONNREFUSED, -EINTR, -EPERM, 2],
  ]
  for (const script of scripts) {
    using conn = BatchConn.open()
    const answers = [...script]
    scripted(t, () => answers.shift() ?? -EAGAIN)
    t.equal(conn.send(filled(2)), 2, String(script))
  }
})

t.test('send returns 0 only if the socket would block, not after a part of a GSO message', async (t) => {
  const EIO = 5
  for (const [answers, expected] of [
    [[-EIO, -EIO, 2, 2], 1],
    [[-EIO, -EIO, 2, -EAGAIN], 0],
    [[-EIO, -EIO, 2, -EHOSTUNREACH, -EHOSTUNREACH], 'EHOSTUNREACH'],
  ] as const) {
    using conn = BatchConn.open()
    const out = new SendBatch({ capacity: 1 })
    out.append('datagram', peer, { segmentBytes: 2 })
    const rest: number[] = [...answers]
    scripted(t, () => rest.shift() ?? -EAGAIN)
    const send = () => {
      try {
        return conn.send(out)
      } catch (error) {
        return (error as NodeJS.ErrnoException).code
      }
    }
    t.equal(send(), expected, String(answers))
    t.strictSame(rest, [])
  }
})

t.test('sendAll does not wait while the kernel accepts segments of a GSO message', async (t) => {
  using conn = BatchConn.open()
  const out = new SendBatch({ capacity: 1 })
  out.append('datagram', peer, { segmentBytes: 1 })
  const answers = [-5, -5]
  scripted(t, () => answers.shift() ?? 1)
  const waits = t.capture(conn, 'writable')
  t.match(await conn.sendAll(out), { sent: 1, failed: [] })
  t.equal(waits().length, 0)
})

t.test('sendAll over a large batch lets the event loop run', async (t) => {
  using conn = BatchConn.open()
  for (const [what, answer] of [
    ['messages that fail', () => -EHOSTUNREACH],
    ['messages that are accepted', (count: number) => Math.min(count, 1024)],
  ] as const) {
    scripted(t, answer)
    let iterations = 0
    let next: NodeJS.Immediate
    const countIteration = () => {
      iterations += 1
      next = setImmediate(countIteration)
    }
    next = setImmediate(countIteration)
    const { sent, failed } = await conn.sendAll(filled(8192))
    clearImmediate(next)
    t.equal(sent + failed.length, 8192)
    t.ok(iterations >= 3, `${what}: ${iterations} loop iterations`)
  }
})

t.test('an abort in the pause of batches() rejects with the reason', async (t) => {
  using conn = boundSocket()
  const out = filled(512, conn.localAddress)
  await conn.sendAll(out)
  const controller = new AbortController()
  const reason = new Error('the reason')
  let count = 0
  const reading = async () => {
    for await (const batch of conn.batches(new RecvBatch({ capacity: 256 }), { signal: controller.signal })) {
      count += batch.length
      process.nextTick(() => controller.abort(reason))
    }
  }
  t.equal(await reading().catch((error) => error), reason)
  t.equal(count, 256)
})
