import { createHook } from 'node:async_hooks'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { BatchConn, RecvBatch, SendBatch } from '../../src/index.js'
import { messageWords } from '../../src/layout/message.js'
import { boundSocket, deadEndpoint, drain } from '../support/sockets.js'

// Code of the caller (getters, overrides, Proxies, hooks, subscribers) that runs between a check and its use.

const CLOSED = { code: 'ERR_SOCKET_CLOSED' }

for (const [what, act] of [
  [
    'bind',
    (conn: BatchConn, close: () => void) =>
      conn.bind({
        address: '127.0.0.1',
        get port() {
          close()
          return 0
        },
      }),
  ],
  [
    'joinMulticast',
    (conn: BatchConn, close: () => void) =>
      conn.joinMulticast({
        group: '239.9.9.9',
        get interface() {
          close()
          return 'lo'
        },
      }),
  ],
  [
    'reusePort',
    (conn: BatchConn, close: () => void) => {
      conn.options.reusePort = {
        steer: 'random',
        get sockets() {
          close()
          return 2
        },
      }
    },
  ],
] as const) {
  t.test(`${what}: a getter closes the socket, and another one takes its descriptor`, async (t) => {
    const conn = BatchConn.open()
    let other: BatchConn | undefined
    const close = () => {
      conn.close()
      other ??= BatchConn.open()
    }
    t.throws(() => act(conn, close), CLOSED)
    t.equal(other?.localAddress.port, 0)
    t.equal(other?.options.reusePort, false)
    other?.joinMulticast({ group: '239.9.9.9', interface: 'lo' })
    other?.close()
  })
}

t.test('waitWritable: a getter closes the socket', async (t) => {
  const conn = BatchConn.open()
  let other: BatchConn | undefined
  const options = {
    get timeoutMs() {
      conn.close()
      other = BatchConn.open()
      return 0
    },
  }
  t.throws(() => conn.waitWritable(options), CLOSED)
  other?.close()
})

t.test('a wait is not placed on the descriptor of another socket', async (t) => {
  const opened: BatchConn[] = []
  const closing = (conn: BatchConn) => {
    conn.close()
    opened.push(boundSocket())
  }
  const first = boundSocket()
  const options = {
    get onError() {
      closing(first)
      return undefined
    },
  }
  t.throws(() => first.onReadable(new RecvBatch(), () => {}, options), CLOSED)
  const second = boundSocket()
  const signal = Object.assign(new AbortController().signal, { addEventListener: () => closing(second) })
  await t.rejects(second.readable({ signal }), CLOSED)
  const third = boundSocket()
  const hook = createHook({ init: (_, type) => type === 'BATCHCONN' && closing(third) }).enable()
  await t.rejects(third.readable(), CLOSED)
  hook.disable()
  for (const conn of opened) {
    const waiting = conn.readable()
    const out = new SendBatch()
    out.append('x', conn.localAddress)
    conn.send(out)
    await waiting
    conn.close()
  }
  t.equal(opened.length, 3)
})

t.test('an override of capacity does not keep onReadable in one loop iteration', async (t) => {
  for (const inbox of [
    new (class extends RecvBatch {
      override get capacity() {
        return 0
      }
    })(),
    Object.defineProperty(new RecvBatch(), 'capacity', { value: 0 }),
  ]) {
    using conn = boundSocket()
    let calls = 0
    conn.onReadable(inbox, () => {
      calls += 1
    })
    const out = new SendBatch()
    out.append('x', conn.localAddress)
    conn.send(out)
    await sleep(20)
    t.equal(calls, 1)
  }
})

t.test('appendReference: a trap in the prototype chain does not change the options of the message', async (t) => {
  using conn = boundSocket({ recvTtl: true })
  const out = new SendBatch()
  const payload = new Uint8Array(100)
  let traps = 0
  const prototype = new Proxy(Object.create(Uint8Array.prototype), {
    getPrototypeOf(target) {
      traps += 1
      out.append('nested', conn.localAddress, { segmentBytes: 2, ttl: 3 })
      return Reflect.getPrototypeOf(target)
    },
  })
  out.appendReference(Object.setPrototypeOf(payload, prototype), conn.localAddress, { ttl: 77 })
  conn.send(out)
  const inbox = new RecvBatch()
  conn.recv(inbox)
  t.strictSame(
    [...inbox].map(({ bytes, ttl }) => [bytes.length, ttl]),
    [[100, 77]],
  )
  t.equal(traps, 0)
})

t.test('sendAll: a subscriber clears the batch when a message fails', async (t) => {
  using conn = BatchConn.open()
  const out = new SendBatch({ slotBytes: 70_000 })
  out.append(Buffer.alloc(66_000), deadEndpoint())
  const clear = () => out.clear()
  subscribe('batchconn.send', clear)
  const report = await conn.sendAll(out)
  unsubscribe('batchconn.send', clear)
  t.strictSame([report, out.length, out.sent, out.remaining], [{ sent: 0, failed: [] }, 0, 0, 0])
})

t.test('sendAll: a property of Object.prototype does not make an error that of a message', async (t) => {
  const conn = BatchConn.open()
  const out = new SendBatch()
  out.append('x', deadEndpoint())
  Object.defineProperty(Object.prototype, 'index', { value: 0, configurable: true })
  try {
    conn.close()
    await t.rejects(conn.sendAll(out), CLOSED)
    t.strictSame([out.sent, out.failed], [0, []])
  } finally {
    Reflect.deleteProperty(Object.prototype, 'index')
  }
})

t.test('a stack overflow while a message is added leaves none of its options for the next one', async (t) => {
  using receiver = boundSocket({ recvTtl: true })
  using conn = BatchConn.open().connect(receiver.localAddress)
  const out = new SendBatch({ capacity: 1 })
  const { writeSize } = out.slots
  const overflow = () => {
    throw new RangeError('Maximum call stack size exceeded')
  }
  Object.assign(out.slots, { writeSize: overflow })
  t.throws(() => out.append('secret', undefined, { segmentBytes: 1, ttl: 9 }), RangeError)
  Object.assign(out.slots, { writeSize })
  out.append('plain')
  conn.send(out)
  const inbox = new RecvBatch()
  receiver.recv(inbox)
  t.strictSame(
    [...inbox].map(({ bytes, ttl }) => [String(bytes), ttl]),
    [['plain', 64]],
  )
})

t.test('a stack overflow while an address is written leaves no part of it for the next message', async (t) => {
  using first = boundSocket()
  using second = boundSocket()
  using conn = BatchConn.open().connect(first.localAddress)
  const out = new SendBatch({ capacity: 1 })
  out.append('x')
  out.clear()
  const overflow = (slot: number) => {
    out.slots.words[out.slots.headerAt(slot) + messageWords().nameLength] = second.localAddress.byteLength
    throw new RangeError('Maximum call stack size exceeded')
  }
  const { writeDestination } = out.slots
  Object.assign(out.slots, { writeDestination: overflow })
  t.throws(() => out.append('x', second.localAddress), RangeError)
  Object.assign(out.slots, { writeDestination })
  out.append('to the peer')
  conn.send(out)
  t.equal(drain(first).length, 1)
})
