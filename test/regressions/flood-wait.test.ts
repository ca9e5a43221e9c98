import { setImmediate as loopIteration } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { BatchConn, type Endpoint, RecvBatch, SendBatch } from '../../src/index.js'
import { koffi } from '../../src/libc/koffi.js'
import { runChild } from '../support/child.js'
import { boundSocket } from '../support/sockets.js'

// After a flood, a socket is read once per loop iteration for a while before it is watched again. What happens meanwhile.

const shutdown: (fd: number, how: number) => number = koffi().load(null).func('int shutdown(int, int)')
const SHUT_RD = 0
const BURST = 100

function sender(t: Test): (to: Endpoint, count: number) => void {
  const conn = BatchConn.open()
  t.teardown(() => conn.close())
  const out = new SendBatch({ capacity: 400, slotBytes: 8 })
  return (to, count) => {
    out.clear()
    for (let index = 0; index < count; index += 1) out.append('x', to)
    while (out.remaining > 0) conn.send(out)
  }
}

/** Counts loop iterations until `promise` settles, at most 2,000. */
async function iterationsUntil(promise: Promise<unknown>, each: () => void = () => {}): Promise<number> {
  let isSettled = false
  const settle = () => {
    isSettled = true
  }
  promise.then(settle, settle)
  for (let count = 0; count < 2_000; count += 1) {
    if (isSettled) return count
    each()
    await loopIteration()
  }
  throw new Error('not settled')
}

t.test('readable() resolves soon after the callback of a flood ended its reading', async (t) => {
  const conn = boundSocket()
  t.teardown(() => conn.close())
  const send = sender(t)
  send(conn.localAddress, 400)
  const readable = new Promise<void>((resolve) => {
    const reading = conn.onReadable(new RecvBatch(), () => {
      reading.close()
      resolve(conn.readable())
    })
  })
  const iterations = await iterationsUntil(readable)
  t.ok(iterations < 20, `after ${iterations} iterations`)
})

t.test('readable() resolves when datagrams arrive that onReadable receives after a flood', async (t) => {
  const conn = boundSocket()
  t.teardown(() => conn.close())
  const send = sender(t)
  const { localAddress } = conn
  conn.onReadable(new RecvBatch(), () => {})
  send(localAddress, BURST)
  for (let index = 0; index < 10; index += 1) await loopIteration()
  const iterations = await iterationsUntil(conn.readable(), () => send(localAddress, 10))
  t.ok(iterations < 20, `after ${iterations} iterations`)
})

t.test('shutdown(2) elsewhere is reported although datagrams keep arriving', async (t) => {
  const conn = boundSocket()
  const send = sender(t)
  const { localAddress, fd } = conn
  const error = new Promise<Error>((resolve) => conn.onReadable(new RecvBatch(), () => {}, { onError: resolve }))
  send(localAddress, BURST)
  for (let index = 0; index < 10; index += 1) await loopIteration()
  // On an unconnected socket it returns ENOTCONN, but takes effect.
  shutdown(fd, SHUT_RD)
  const iterations = await iterationsUntil(error, () => send(localAddress, 10))
  t.ok(iterations < 1_200, `after ${iterations} iterations`)
  t.match(await error, { code: 'ESHUTDOWN' })
})

for (const how of ['close', 'unref', 'writable']) {
  t.test(`${how} in the handler of an exception that a callback throws after a flood`, async (t) => {
    const { code, stdout, stderr } = await runChild('flood-exception', { args: [how] })
    t.equal(stderr, '')
    t.equal(stdout, 'one exception\n')
    t.equal(code, 0)
  })
}
