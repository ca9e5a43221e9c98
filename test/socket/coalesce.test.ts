import t, { type Test } from 'tap'
import { BatchConn, type Endpoint, endpoint, RecvBatch, SendBatch } from '../../src/index.js'
import { EAGAIN, EIO } from '../../src/libc/constants.js'
import { SegmentationOffload } from '../../src/socket/segmentation-offload.js'
import { type Answer, fakeLibc } from '../support/fake-libc.js'
import { transmitScripted } from '../support/sending.js'
import { readMessages } from '../support/sent-messages.js'

// Messages to several destinations in turn: `coalesce` joins those of each destination.

const [a, b, c] = [1, 2, 3].map((port) => endpoint({ address: '192.0.2.7', port }))

/** A batch of two-byte messages, one destination per letter of the plan, over a scripted libc. */
function scripted(t: Test, plan: string) {
  const conn = BatchConn.open()
  t.teardown(() => conn.close())
  const batch = new SendBatch({ coalesce: true, slotBytes: 16 })
  const destinations: Record<string, Endpoint> = { a, b, c }
  for (const [index, letter] of [...plan].entries()) batch.append(`${letter}${index}`, destinations[letter])
  const offload = new SegmentationOffload(conn.fd, true)
  const wire: string[] = []
  const run = (...answers: Answer[]): number => {
    let next = 0
    const { libc } = fakeLibc(answers, ({ name, headers, count }) => {
      const answer = answers[next]
      next += 1
      if (typeof answer !== 'number') return
      const accepted = readMessages(headers, count).slice(0, name === 'sendmsg' ? 1 : answer)
      wire.push(...accepted.map(({ datagrams }) => datagrams.join('+')))
    })
    return transmitScripted(libc, offload, batch)
  }
  return { batch, wire, run }
}

t.test('alternating destinations: one GSO send each, in their order', async (t) => {
  const { batch, wire, run } = scripted(t, 'abcabcab')
  t.equal(run(3), 8)
  t.strictSame(wire, ['a0+a3+a6', 'b1+b4+b7', 'c2+c5'])
  batch.rewind()
  t.equal(run(3), 8)
  t.strictSame(wire.slice(3), wire.slice(0, 3), 'the same after rewind')
  batch.clear()
  batch.append('xx', b)
  batch.append('yy', b)
  t.equal(run(1), 2)
  t.equal(wire.at(-1), 'xx+yy', 'and nothing of the old order after clear')
})

t.test('a short count leaves the messages of the other destinations pending', async (t) => {
  const { batch, wire, run } = scripted(t, 'ababc')
  t.equal(run(1), 2)
  t.equal(batch.sent, 2)
  t.strictSame(
    [0, 1, 2, 3, 4].map((index) => batch.isPending(index)),
    [false, true, false, true, true],
  )
  t.equal(run({ errno: EAGAIN }), 0)
  batch.append('a5', a)
  batch.append('b6', b)
  t.equal(run(3), 5)
  t.strictSame(wire, ['a0+a2', 'b1+b3+b6', 'c4', 'a5'])
  t.equal(batch.remaining, 0)
})

t.test('a failure has the index of its message, and skip passes that one', async (t) => {
  const { batch, wire, run } = scripted(t, 'abab')
  const EACCES = 13
  t.equal(run(1), 2)
  t.throws(() => run({ errno: EACCES }, { errno: EACCES }), { code: 'EACCES', index: 1 })
  t.equal(batch.sent, 2)
  batch.skip()
  t.strictSame(
    [0, 1, 2, 3].map((index) => batch.isPending(index)),
    [false, false, false, true],
  )
  t.equal(run(1), 1)
  t.strictSame(wire, ['a0+a2', 'b3'])
})

t.test('a rejected GSO send is retried as single datagrams of its own messages', async (t) => {
  const { batch, wire, run } = scripted(t, 'abab')
  t.equal(run({ errno: EIO }, { errno: EIO }, 2, 2), 4, 'GSO is off from then on')
  t.strictSame(wire, ['a0', 'a2', 'b1', 'b3'])
  t.equal(batch.remaining, 0)
})

t.test('real sockets: each receives its own datagrams in order', async (t) => {
  const receivers = Array.from({ length: 5 }, () => BatchConn.open().bind({ address: '127.0.0.1', port: 0 }))
  const conn = BatchConn.open()
  const batch = new SendBatch({ capacity: 200, coalesce: true })
  for (let index = 0; index < 200; index += 1)
    batch.append(`message ${index}`.padEnd(20), receivers[index % 5].localAddress)
  t.strictSame(await conn.sendAll(batch), { sent: 200, failed: [] })
  const inbox = new RecvBatch()
  for (const [number, receiver] of receivers.entries()) {
    t.equal(receiver.recv(inbox), 40)
    const texts = Array.from({ length: 40 }, (_, index) => String(inbox.bytes(index)).trim())
    t.strictSame(
      texts,
      Array.from({ length: 40 }, (_, index) => `message ${index * 5 + number}`),
    )
    receiver.close()
  }
  conn.close()
})
