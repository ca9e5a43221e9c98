import t from 'tap'
import { type BatchConn, type MessageOptions, RecvBatch, SendBatch } from '../../src/index.js'
import { boundSocket, drain } from '../support/sockets.js'

/** Options with a getter that runs `code` when a message is appended. */
function optionsThat(code: () => void): MessageOptions {
  return {
    get ttl() {
      code()
      return 9
    },
  }
}

function arrived(conn: BatchConn): string[] {
  return drain(conn, 65_535).map(({ text }) => text)
}

t.test('a getter clears the batch: the message is the first of the cleared batch', async (t) => {
  using conn = boundSocket()
  const to = conn.localAddress
  const out = new SendBatch({ capacity: 2, slotBytes: 16 })
  out.appendReference(Buffer.alloc(60_000, 'r'), to)
  t.equal(
    out.append(
      'x',
      to,
      optionsThat(() => out.clear()),
    ),
    0,
  )
  t.equal(out.length, 1)
  t.equal(conn.send(out), 1)
  t.strictSame(arrived(conn), ['x'])
})

t.test('a getter appends a message: both are kept, in the order in which their append finished', async (t) => {
  using conn = boundSocket()
  const to = conn.localAddress
  for (const add of [
    (out: SendBatch, options: MessageOptions) => out.append('outer', to, options),
    (out: SendBatch, options: MessageOptions) => out.append(['ou', 'ter'], to, options),
    (out: SendBatch, options: MessageOptions) => out.appendReference(Buffer.from('outer'), to, options),
    (out: SendBatch, options: MessageOptions) => out.reserve(5, to, options).write('outer'),
  ]) {
    const out = new SendBatch({ capacity: 4, slotBytes: 16 })
    add(
      out,
      optionsThat(() => out.append('inner', to, { ttl: 3, ecn: 1 })),
    )
    t.equal(out.length, 2)
    t.equal(conn.send(out), 2)
    t.strictSame(arrived(conn), ['inner', 'outer'])
  }
})

t.test('a getter fills the batch: the outer message is rejected, the others are kept', async (t) => {
  using conn = boundSocket()
  const to = conn.localAddress
  const out = new SendBatch({ capacity: 1, slotBytes: 16 })
  t.throws(
    () =>
      out.append(
        'outer',
        to,
        optionsThat(() => out.append('inner', to)),
      ),
    { code: 'ERR_BATCH_FULL' },
  )
  t.equal(conn.send(out), 1)
  t.strictSame(arrived(conn), ['inner'])
})

t.test('an element of a list clears the batch', async (t) => {
  using conn = boundSocket()
  const to = conn.localAddress
  const out = new SendBatch({ capacity: 2, slotBytes: 16 })
  out.appendReference(Buffer.alloc(60_000, 'r'), to)
  const list = new Proxy(['a', 'b'], {
    get: (of, key, receiver) => {
      if (key === '0') out.clear()
      return Reflect.get(of, key, receiver)
    },
  })
  t.equal(out.append(list, to), 0)
  t.equal(conn.send(out), 1)
  t.strictSame(arrived(conn), ['ab'])
})

t.test('a getter sends the batch', async (t) => {
  using conn = boundSocket()
  const to = conn.localAddress
  const out = new SendBatch({ capacity: 4 })
  out.append('first', to)
  out.append(
    'second',
    to,
    optionsThat(() => conn.send(out)),
  )
  t.equal(conn.send(out), 1)
  t.strictSame(arrived(conn), ['first', 'second'])
})

t.test('an element of a list appends a message with other options: the outer ones apply', async (t) => {
  using conn = boundSocket({ recvTtl: true })
  const to = conn.localAddress
  const out = new SendBatch({ capacity: 2 })
  const list = new Proxy(['outer'], {
    get: (of, key, receiver) => {
      if (key === '0') out.append('inner', to, { ttl: 3 })
      return Reflect.get(of, key, receiver)
    },
  })
  out.append(list, to, { ttl: 9 })
  conn.send(out)
  const inbox = new RecvBatch()
  conn.recv(inbox)
  t.strictSame(
    [...inbox].map(({ bytes, ttl }) => [String(bytes), ttl]),
    [
      ['inner', 3],
      ['outer', 9],
    ],
  )
})

t.test('an option transfers the memory of a piece: the message is rejected', async (t) => {
  using conn = boundSocket()
  const out = new SendBatch({ capacity: 2 })
  const piece = new Uint8Array(8)
  const options = optionsThat(() => structuredClone(piece, { transfer: [piece.buffer] }))
  t.throws(() => out.append(['x', piece], conn.localAddress, options), { code: 'ERR_MEMORY_DETACHED' })
  t.equal(out.length, 0)
})

t.test('the options of an inner message do not affect the outer one', async (t) => {
  using conn = boundSocket({ recvTtl: true, recvTos: true })
  const to = conn.localAddress
  const out = new SendBatch({ capacity: 2 })
  out.append(
    'outer',
    to,
    optionsThat(() => out.append('inner', to, { ttl: 3, ecn: 1 })),
  )
  conn.send(out)
  const inbox = new RecvBatch()
  conn.recv(inbox)
  t.strictSame(
    [...inbox].map(({ bytes, ttl, ecn }) => [String(bytes), ttl, ecn]),
    [
      ['inner', 3, 1],
      ['outer', 9, 0],
    ],
  )
})
