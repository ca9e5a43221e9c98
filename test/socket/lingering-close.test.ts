import t from 'tap'
import { messagesOf } from '../../src/batch/send-batch.js'
import { BatchConn, SendBatch } from '../../src/index.js'
import { libc } from '../../src/libc/libc.js'
import { BatchedCalls } from '../../src/socket/batched-calls.js'
import { ErrorQueue } from '../../src/socket/error-queue.js'
import { closeWhenReleased } from '../../src/socket/lingering-close.js'
import { ZeroCopy } from '../../src/socket/zero-copy.js'
import { ZeroCopySends } from '../../src/socket/zero-copy-sends.js'

function lingering(fd: number) {
  const sends = new ZeroCopySends()
  const errors = new ErrorQueue(libc(), fd, false, sends)
  const zeroCopy = new ZeroCopy(fd, true, sends, new BatchedCalls(libc(), fd), errors)
  const batch = new SendBatch({ capacity: 1 })
  const messages = messagesOf(batch)
  if (messages === undefined) throw new Error('a SendBatch must have messages')
  sends.settle(sends.begin(messages, 1), 1)
  return { sends, zeroCopy, batch, messages }
}

t.test('a completion that never comes: the descriptor is closed after the limit, and the memory is kept', async (t) => {
  using conn = BatchConn.open()
  const { sends, zeroCopy, batch, messages } = lingering(conn.fd)
  const closed = new Promise<void>((resolve) => {
    closeWhenReleased({ fd: conn.fd, close: resolve, release: () => conn.fd }, zeroCopy, 10)
  })
  t.equal(sends.lossReason, undefined, 'it waits first')
  await t.rejects(sends.released(messages, undefined), { code: 'ERR_RELEASE_UNKNOWN', message: /closed 10 ms ago/ })
  await closed
  t.throws(() => batch.clear(), { code: 'ERR_BATCH_IN_FLIGHT' })
})

t.test('nothing in flight: the descriptor is closed at once', async (t) => {
  using conn = BatchConn.open()
  const { sends, zeroCopy } = lingering(conn.fd)
  sends.complete(0, 0, false)
  let isClosed = false
  const close = () => {
    isClosed = true
  }
  closeWhenReleased({ fd: conn.fd, close, release: () => conn.fd }, zeroCopy)
  t.equal(isClosed, true)
})
