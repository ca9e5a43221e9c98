import t from 'tap'
import { receiveSideOf } from '../../src/batch/recv-batch.js'
import { BatchConn, RecvBatch } from '../../src/index.js'
import { EAGAIN, ENOSYS, EPERM, MSG_DONTWAIT } from '../../src/libc/constants.js'
import { BatchedCalls } from '../../src/socket/batched-calls.js'
import { fakeLibc } from '../support/fake-libc.js'

t.test('without recvmmsg, each recvmsg gets the header of its own slot', async (t) => {
  const slots = receiveSideOf(new RecvBatch({ capacity: 3 }))?.slots
  if (slots === undefined) throw new Error('a RecvBatch must have slots')
  const { libc, calls } = fakeLibc([{ errno: ENOSYS }, 5, 6, { errno: EAGAIN }])
  t.equal(new BatchedCalls(libc, 3).receive(slots), 2)
  const { headersAddress } = slots
  const { bytes } = libc.structs.mmsghdr
  const expected = [0, 0, 1, 2].map((slot) => headersAddress + slot * bytes)
  t.strictSame(
    calls.map(({ headers }) => headers),
    expected,
  )
  for (const { flags } of calls) t.equal(flags, MSG_DONTWAIT)
  t.strictSame([slots.size(0), slots.size(1)], [5, 6])
})

t.test('EPERM after a successful sendmmsg belongs to the message: a firewall, not a seccomp filter', async (t) => {
  const { libc, calls } = fakeLibc([2, { errno: EPERM }, { errno: EPERM }, { errno: EPERM }, 2])
  const sending = new BatchedCalls(libc, 3)
  t.strictSame(
    [1, 2, 3, 4, 5].map(() => sending.send(0, 2)),
    [2, -EPERM, -EPERM, -EPERM, 2],
  )
  t.equal(sending.status.available, true)
  t.strictSame([...new Set(calls.map(({ name }) => name))], ['sendmmsg'])
})

t.test(
  'while sendmmsg is tried beside sendmsg, another error than EPERM ends the call, and is reported by the next',
  async (t) => {
    const { libc, calls } = fakeLibc([{ errno: EPERM }, { errno: EPERM }, 1, { errno: EAGAIN }])
    const sending = new BatchedCalls(libc, 3)
    t.strictSame([sending.send(0, 4), sending.send(0, 4)], [-EPERM, 1])
    t.equal(sending.status.available, true)
    t.strictSame(
      calls.map(({ name }) => name),
      ['sendmmsg', 'sendmmsg', 'sendmsg', 'sendmmsg'],
    )
  },
)

t.test('an interface index of more than 16 bits reaches the kernel', async (t) => {
  t.throws(() => BatchConn.open({ multicastInterface: 100_000 }), { message: /setsockopt/ })
})
