import t from 'tap'
import { BatchConn, type ErrnoError, endpoint, SendBatch } from '../../src/index.js'
import { boundSocket, deadEndpoint, drain } from '../support/sockets.js'

// sendmmsg(2) accepts at most 1024 messages (UIO_MAXIOV), stops before the first one that fails, and reports that error
// only to the next call. The tests use more than two such calls, and an invalid message as the first of the second
// call.

t.test('3000 messages to an open and a closed port; the first of the second call is oversized', async (t) => {
  using receiver = boundSocket()
  using sender = BatchConn.open({ sendBufferBytes: 4 << 20 })
  const live = receiver.localAddress
  const dead = deadEndpoint()
  const out = new SendBatch({ capacity: 3000 })
  const expected: string[] = []
  for (let index = 0; index < 3000; index += 1) {
    if (index === 1024) {
      out.appendReference(Buffer.alloc(70_000), live)
    } else if (index % 2 === 0) {
      out.append(`message ${index}`, live)
      expected.push(`message ${index}`)
    } else {
      out.append(`message ${index}`, dead)
    }
  }

  const report = await sender.sendAll(out)

  t.equal(report.sent, 2999)
  t.strictSame(
    report.failed.map(({ index, error }) => [index, (error as ErrnoError).code, (error as ErrnoError).errno]),
    [[1024, 'EMSGSIZE', -90]],
  )
  t.equal(out.remaining, 0)
  t.strictSame(
    drain(receiver).map(({ text }) => text),
    expected,
    'each valid one once, in order',
  )
})

t.test('an invalid message at any index of a batch does not affect the others', async (t) => {
  using receiver = boundSocket()
  using sender = BatchConn.open()
  const live = receiver.localAddress
  for (const places of [[0], [1], [4], [0, 1], [0, 4], [3, 4], [0, 1, 2, 3, 4]]) {
    const out = new SendBatch({ capacity: 5 })
    for (let index = 0; index < 5; index += 1) {
      if (places.includes(index)) out.appendReference(Buffer.alloc(66_000), live)
      else out.append(String(index), live)
    }
    const report = await sender.sendAll(out)
    const good = ['0', '1', '2', '3', '4'].filter((text) => !places.includes(Number(text)))
    t.equal(report.sent, good.length)
    t.strictSame(
      report.failed.map(({ index }) => index),
      places,
    )
    t.strictSame(
      drain(receiver).map(({ text }) => text),
      good,
    )
  }
})

t.test('send returns a short count, then throws the error with its index, then continues after skip', (t) => {
  using receiver = boundSocket()
  using sender = BatchConn.open()
  const live = receiver.localAddress
  const out = new SendBatch({ capacity: 5 })
  for (const text of ['a', 'b']) out.append(text, live)
  out.appendReference(Buffer.alloc(66_000), live)
  for (const text of ['d', 'e']) out.append(text, live)

  t.equal(sender.send(out), 2)
  t.equal(out.sent, 2)
  t.throws(() => sender.send(out), {
    name: 'ErrnoError',
    code: 'EMSGSIZE',
    errno: -90,
    syscall: 'sendmmsg',
    address: live.address,
    port: live.port,
    index: 2,
    message: `sendmmsg EMSGSIZE ${live}`,
  })
  t.equal(out.sent, 2, 'the failed message is still the next one')
  out.skip()
  t.equal(sender.send(out), 2)
  t.equal(out.remaining, 0)
  t.equal(sender.send(out), 0, 'nothing left')
  t.strictSame(
    drain(receiver).map(({ text }) => text),
    ['a', 'b', 'd', 'e'],
  )
  t.end()
})

t.test('a destination that the kernel rejects is reported, and the other messages arrive', async (t) => {
  using receiver = boundSocket()
  using sender = BatchConn.open()
  const out = new SendBatch()
  out.append('before', receiver.localAddress)
  out.append('to a broadcast address without SO_BROADCAST', endpoint({ address: '255.255.255.255', port: 9 }))
  out.append('after', receiver.localAddress)
  const { sent, failed } = await sender.sendAll(out)
  t.equal(sent, 2)
  t.match(failed, [{ index: 1, error: { code: 'EACCES', address: '255.255.255.255', port: 9 } }])
  t.strictSame(
    drain(receiver).map(({ text }) => text),
    ['before', 'after'],
  )
})

t.test('a destination of another family is rejected before the system call; the others arrive', async (t) => {
  using receiver = boundSocket()
  using sender = BatchConn.open()
  const out = new SendBatch()
  out.append('before', receiver.localAddress)
  out.append('wrong family', endpoint({ address: '::1', port: 9 }))
  out.append('no destination')
  out.append('after', receiver.localAddress)
  const { sent, failed } = await sender.sendAll(out)
  t.equal(sent, 2)
  t.match(failed, [
    { index: 1, error: { code: 'ERR_ADDRESS_FAMILY' } },
    { index: 2, error: { code: 'ERR_DESTINATION_MISSING' } },
  ])
  t.strictSame(
    drain(receiver).map(({ text }) => text),
    ['before', 'after'],
  )
})

t.test('batches of 1, 1023, 1024, 1025, 2048 and 2049 messages arrive complete and in order', async (t) => {
  using receiver = boundSocket()
  using sender = BatchConn.open()
  for (const count of [1, 1023, 1024, 1025, 2048, 2049]) {
    const out = new SendBatch({ capacity: count, slotBytes: 16 })
    const expected = Array.from({ length: count }, (_, index) => String(index))
    for (const text of expected) out.append(text, receiver.localAddress)
    t.equal((await sender.sendAll(out)).sent, count)
    t.strictSame(
      drain(receiver).map(({ text }) => text),
      expected,
    )
  }
})
