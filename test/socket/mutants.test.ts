import t from 'tap'
import { receiveSideOf } from '../../src/batch/recv-batch.js'
import { RecvBatch } from '../../src/index.js'
import { EAGAIN, ENOSYS, MSG_DONTWAIT } from '../../src/libc/constants.js'
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
