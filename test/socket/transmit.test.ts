import t from 'tap'
import { endpoint, SendBatch } from '../../src/index.js'
import * as c from '../../src/libc/constants.js'
import { SegmentationOffload } from '../../src/socket/segmentation-offload.js'
import { type Answer, fakeLibc } from '../support/fake-libc.js'
import { transmitScripted } from '../support/sending.js'

const peer = endpoint({ address: '192.0.2.7', port: 9 })
const HEADER_BYTES = 64

function batchOf(count: number): SendBatch {
  const batch = new SendBatch({ capacity: Math.max(count, 1), slotBytes: 8 })
  for (let index = 0; index < count; index += 1) batch.append('x', peer)
  return batch
}

function run(batch: SendBatch, answers: Answer[]) {
  const { libc, calls } = fakeLibc(answers)
  const offload = new SegmentationOffload(-1, false)
  return { result: () => transmitScripted(libc, offload, batch), calls }
}

t.test('the call depends on the count: none for 0, sendmsg for 1, sendmmsg for more, 1024 messages at most', (t) => {
  const table: [number, Answer[], [string, number][]][] = [
    [0, [], []],
    [1, [1], [['sendmsg', 1]]],
    [2, [2], [['sendmmsg', 2]]],
    [1024, [1024], [['sendmmsg', 1024]]],
    [
      1025,
      [1024, 1],
      [
        ['sendmmsg', 1024],
        ['sendmsg', 1],
      ],
    ],
    [
      3000,
      [1024, 1024, 952],
      [
        ['sendmmsg', 1024],
        ['sendmmsg', 1024],
        ['sendmmsg', 952],
      ],
    ],
  ]
  for (const [count, answers, expected] of table) {
    const batch = batchOf(count)
    const { result, calls } = run(batch, answers)
    t.equal(result(), count)
    t.equal(batch.sent, count)
    t.strictSame(
      calls.map(({ name, count }) => [name, count]),
      expected,
    )
    for (const { flags } of calls) t.equal(flags, c.MSG_DONTWAIT | c.MSG_NOSIGNAL)
  }
  t.end()
})

t.test('a short count ends the call, and the next call starts at the first unsent header', (t) => {
  const batch = batchOf(45)
  const first = run(batch, [25])
  t.equal(first.result(), 25)
  const second = run(batch, [20])
  t.equal(second.result(), 20)
  t.equal(second.calls[0].headers - first.calls[0].headers, 25 * HEADER_BYTES)
  t.equal(second.calls[0].count, 20)
  t.end()
})

t.test('a short count of the second chunk is added to the first', (t) => {
  const batch = batchOf(2100)
  t.equal(run(batch, [1024, 3]).result(), 1027)
  t.equal(batch.sent, 1027)
  t.end()
})

t.test('EAGAIN and ENOBUFS return the count so far, EINTR repeats the call', (t) => {
  for (const errno of [c.EAGAIN, c.ENOBUFS]) {
    const batch = batchOf(3)
    t.equal(run(batch, [{ errno }]).result(), 0)
    t.equal(batch.sent, 0)
    t.equal(run(batch, [{ errno: c.EINTR }, { errno: c.EINTR }, { errno: c.EINTR }, 3]).result(), 3)
  }
  const long = batchOf(1025)
  t.equal(run(long, [1024, { errno: c.EAGAIN }]).result(), 1024, 'the count includes what was accepted before')
  t.equal(long.sent, 1024)
  t.end()
})

t.test('a stored error of an earlier message is retried, and the message is sent once', (t) => {
  for (const errno of [c.ECONNREFUSED, c.EPERM]) {
    const batch = batchOf(4)
    const { result, calls } = run(batch, [{ errno }, 4])
    t.equal(result(), 4)
    t.equal(calls[0].headers, calls[1].headers)
  }
  t.end()
})

t.test('a persistent error is thrown with its index, and no message is skipped', (t) => {
  const batch = batchOf(4)
  t.equal(run(batch, [2]).result(), 2)
  const { result, calls } = run(batch, [{ errno: 90 }, { errno: 90 }])
  t.throws(result, { code: 'EMSGSIZE', errno: -90, index: 2, syscall: 'sendmmsg', address: '192.0.2.7', port: 9 })
  t.equal(calls.length, 2)
  t.equal(batch.sent, 2)
  t.end()
})

t.test('an error after an accepted chunk is thrown by the next call', (t) => {
  const batch = batchOf(2048)
  t.equal(run(batch, [1024, { errno: 90 }, { errno: 90 }]).result(), 1024)
  t.throws(run(batch, [{ errno: 90 }, { errno: 90 }]).result, { code: 'EMSGSIZE', index: 1024 })
  t.end()
})

t.test('endless ECONNREFUSED ends in the error, not in an endless loop', (t) => {
  const answers = new Array<Answer>(16).fill({ errno: c.ECONNREFUSED })
  t.throws(run(batchOf(2), answers).result, { code: 'ECONNREFUSED', index: 0 })
  t.end()
})

t.test('no progress without an errno ends in an error, not in an endless loop', (t) => {
  t.throws(run(batchOf(2), [0]).result, { code: 'ERR_NO_PROGRESS', index: 0 })
  t.end()
})
