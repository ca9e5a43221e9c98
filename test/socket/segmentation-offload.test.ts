import t, { type Test } from 'tap'
import { BatchConn, endpoint, SendBatch, type SendBatchOptions } from '../../src/index.js'
import * as c from '../../src/libc/constants.js'
import { SegmentationOffload } from '../../src/socket/segmentation-offload.js'
import { type Answer, fakeLibc } from '../support/fake-libc.js'
import { transmitScripted } from '../support/sending.js'
import { readMessages } from '../support/sent-messages.js'

// A scripted device that rejects GSO sends, because this kernel segments in software instead.

const peer = endpoint({ address: '192.0.2.7', port: 9 })

/** Sends with scripted answers. `wire` collects the datagrams that an accepted call would have put on the wire. */
function sending(t: Test, options: SendBatchOptions) {
  const conn = BatchConn.open()
  t.teardown(() => conn.close())
  const offload = new SegmentationOffload(conn.fd, true)
  const batch = new SendBatch(options)
  const wire: string[] = []
  const shapes: string[] = []
  const run = (answers: Answer[]) => {
    let next = 0
    const { libc } = fakeLibc(answers, ({ name, headers, count }) => {
      const answer = answers[next]
      next += 1
      const messages = readMessages(headers, count)
      shapes.push(
        `${name}:${messages.map(({ segmentBytes, payload }) => (segmentBytes ? `${payload.length}/${segmentBytes}` : payload.length)).join(',')}`,
      )
      if (typeof answer !== 'number') return
      const accepted = name === 'sendmsg' ? 1 : answer
      for (const message of messages.slice(0, accepted)) wire.push(...message.datagrams)
    })
    return transmitScripted(libc, offload, batch)
  }
  return { offload, batch, wire, shapes, run }
}

t.test('a GSO send rejected with EIO is sent once as single datagrams, and GSO stays off', (t) => {
  const { offload, batch, wire, shapes, run } = sending(t, { slotBytes: 100 })
  batch.append('aabbc', peer, { segmentBytes: 2 })
  batch.append('ddee', peer, { segmentBytes: 2 })
  batch.append('f', peer)
  const { EIO: errno } = c
  t.equal(run([{ errno }, { errno }, 3, 3]), 3)
  t.strictSame(wire, ['aa', 'bb', 'c', 'dd', 'ee', 'f'])
  t.strictSame(shapes, ['sendmmsg:5/2,4/2,1', 'sendmmsg:5/2,4/2,1', 'sendmmsg:2,2,1', 'sendmmsg:2,2,1'])
  t.match(offload.status, { available: false, reason: /EIO/ })
  batch.clear()
  batch.append('gghh', peer, { segmentBytes: 2 })
  t.equal(run([2]), 1, 'GSO is not tried again')
  t.end()
})

t.test('EINVAL switches GSO off only when a second GSO send is rejected: the first can be a missing route', (t) => {
  const { offload, batch, wire, shapes, run } = sending(t, { slotBytes: 100 })
  const rejected = { errno: c.EINVAL }
  batch.append('aabb', peer, { segmentBytes: 2 })
  batch.append('ccdd', peer, { segmentBytes: 2 })
  t.equal(run([rejected, rejected, 2, 1]), 2)
  t.equal(offload.isOn, true)
  batch.clear()
  for (const text of ['eeff', 'gghh', 'i']) batch.append(text, peer, { segmentBytes: 2 })
  t.equal(run([rejected, rejected, 2, rejected, rejected, 2, 1]), 3)
  t.strictSame(wire, ['aa', 'bb', 'cc', 'dd', 'ee', 'ff', 'gg', 'hh', 'i'])
  t.match(offload.status, { available: false, reason: /EINVAL/ })
  t.equal(shapes.at(-1), 'sendmsg:1')
  t.end()
})

t.test('the fallback stops and resumes within a GSO send: no datagram is sent twice, none is left out', (t) => {
  const { offload, batch, wire, run } = sending(t, { slotBytes: 100 })
  batch.append('x', peer)
  batch.append('aabbccddee', peer, { segmentBytes: 2 })
  batch.append('y', peer)
  t.equal(run([1]), 1)
  const answers = [{ errno: c.EIO }, { errno: c.EIO }, 2, { errno: c.EAGAIN }]
  t.equal(run(answers), 0, 'two datagrams are sent, no message is complete')
  t.equal(batch.sent, 1)
  t.equal(run([{ errno: c.EAGAIN }]), 0)
  t.equal(run([2, 2]), 2)
  t.strictSame(wire, ['x', 'aa', 'bb', 'cc', 'dd', 'ee', 'y'])
  t.equal(offload.isOn, false)
  t.end()
})

t.test('GSO can start to fail after it worked', (t) => {
  const { batch, wire, run } = sending(t, { slotBytes: 100 })
  for (const text of ['aabb', 'ccdd', 'eeff']) batch.append(text, peer, { segmentBytes: 2 })
  t.equal(run([2]), 2)
  t.equal(run([{ errno: c.EIO }, { errno: c.EIO }, 2]), 1)
  t.strictSame(wire, ['aa', 'bb', 'cc', 'dd', 'ee', 'ff'])
  t.end()
})

t.test('a rejected GSO send of coalesced messages falls back to the messages', (t) => {
  const { offload, batch, wire, shapes, run } = sending(t, { slotBytes: 100, coalesce: true })
  for (const text of ['aa', 'bb', 'c', 'dd', 'ee']) batch.append(text, peer)
  t.equal(run([{ errno: c.EIO }, { errno: c.EIO }, 3, 2]), 5)
  t.strictSame(wire, ['aa', 'bb', 'c', 'dd', 'ee'])
  t.strictSame(shapes.at(0), 'sendmmsg:5/2,4/2')
  t.strictSame(shapes.slice(2), ['sendmmsg:2,2,1', 'sendmmsg:2,2'])
  t.equal(offload.isOn, false)
  t.end()
})

t.test('coalescing joins messages of equal size and destination at any index, and no other messages', (t) => {
  const other = endpoint({ address: '192.0.2.8', port: 9 })
  const { batch, wire, shapes, run } = sending(t, { coalesce: true })
  for (const [text, to] of [
    ['aa', peer],
    ['bb', other],
    ['', other],
    ['cc', peer],
  ] as const)
    batch.append(text, to)
  t.equal(run([3]), 4, 'the two that can be joined move together')
  batch.append('dd', peer)
  batch.append('ee', other)
  t.equal(run([2]), 2, 'no two of them can be joined')
  batch.append('ff', other)
  batch.append('gg', other)
  batch.append('hh', peer)
  t.equal(run([2]), 3)
  t.strictSame(wire, ['aa', 'cc', 'bb', '', 'dd', 'ee', 'ff', 'gg', 'hh'])
  t.strictSame(shapes, ['sendmmsg:4/2,2,0', 'sendmmsg:2,2', 'sendmmsg:4/2,2'])
  t.end()
})

t.test('an error that single datagrams get too is not caused by GSO, which stays on', (t) => {
  const { offload, batch, run } = sending(t, { slotBytes: 100 })
  batch.append('aabb', peer, { segmentBytes: 2 })
  const refused = { errno: c.EINVAL }
  t.throws(() => run([refused, refused, refused, refused]), { code: 'EINVAL', index: 0 })
  t.equal(offload.isOn, true)
  batch.skip()
  batch.append('ccdd', peer, { segmentBytes: 2 })
  t.equal(run([1]), 1)
  t.end()
})

t.test('EMSGSIZE limits the segment size of one destination: longer datagrams are sent one by one', (t) => {
  const { offload, batch, shapes, run } = sending(t, { slotBytes: 100, coalesce: true })
  const tooLong = { errno: c.EMSGSIZE }
  for (const text of ['aaaa', 'bbbb']) batch.append(text, peer)
  t.equal(run([tooLong, tooLong, 2]), 2)
  t.equal(offload.isOn, true)
  t.equal(offload.maxSegmentBytes(peer), 3)
  t.equal(offload.maxSegmentBytes(endpoint({ address: '192.0.2.8', port: 9 })), 65_535, 'other destination')
  t.match(offload.status.reason, /192\.0\.2\.7:9 3$/)
  batch.clear()
  for (const text of ['aaaa', 'bbbb', 'ccc', 'ddd']) batch.append(text, peer)
  t.equal(run([3]), 4)
  t.equal(shapes.at(-1), 'sendmmsg:4,4,6/3')
  t.end()
})

t.test('a GSO send by segmentBytes whose segments exceed the path MTU is sent as fragments', (t) => {
  const { offload, batch, wire, run } = sending(t, { slotBytes: 100 })
  const tooLong = { errno: c.EMSGSIZE }
  batch.append('aaaabbbb', peer, { segmentBytes: 4 })
  t.equal(run([tooLong, tooLong, 2]), 1)
  t.strictSame(wire, ['aaaa', 'bbbb'])
  t.equal(offload.isOn, true)
  t.end()
})

t.test('a short count in the middle of coalesced messages counts messages, not headers', (t) => {
  const { batch, wire, shapes, run } = sending(t, { slotBytes: 100, coalesce: true })
  for (const text of ['aa', 'bb', 'ccc', 'ddd', 'e']) batch.append(text, peer)
  t.equal(run([1]), 2)
  t.equal(batch.sent, 2)
  t.equal(run([1]), 3)
  t.strictSame(wire, ['aa', 'bb', 'ccc', 'ddd', 'e'])
  t.strictSame(shapes, ['sendmmsg:4/2,7/3', 'sendmsg:7/3'])
  t.end()
})

t.test('the segment limit of a destination expires', (t) => {
  let nowMs = 0
  const offload = new SegmentationOffload(-1, true, undefined, () => nowMs)
  offload.confirm({ errno: c.EMSGSIZE, segmentBytes: 1400, destination: peer, offload })
  t.equal(offload.maxSegmentBytes(peer), 1399)
  nowMs = 59_999
  t.equal(offload.maxSegmentBytes(peer), 1399)
  nowMs = 60_000
  t.equal(offload.maxSegmentBytes(peer), 65_535)
  t.end()
})

t.test('a GSO send rejected on one socket and sent on another switches GSO off on neither', (t) => {
  const { offload, batch, run } = sending(t, { slotBytes: 100 })
  using conn = BatchConn.open()
  const other = new SegmentationOffload(conn.fd, true)
  batch.append('aabb', peer, { segmentBytes: 2 })
  t.equal(run([{ errno: c.EIO }, { errno: c.EIO }, { errno: c.EAGAIN }]), 0)
  t.equal(transmitScripted(fakeLibc([2]).libc, other, batch), 1)
  t.equal(offload.isOn, true)
  t.equal(other.isOn, true)
  t.end()
})
