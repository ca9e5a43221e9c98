import t from 'tap'
import type { Messages } from '../../src/batch/messages.js'
import { messagesOf } from '../../src/batch/send-batch.js'
import { BatchConn, SendBatch } from '../../src/index.js'
import { type Sender, sendAll } from '../../src/socket/send-all.js'
import { boundSocket, drain } from '../support/sockets.js'

function batchOf(count: number): SendBatch {
  const batch = new SendBatch({ capacity: count, slotBytes: 8 })
  for (let index = 0; index < count; index += 1) batch.append('x')
  return batch
}

function messages(count: number): Messages {
  return messagesOf(batchOf(count)) as Messages
}

/** A socket that accepts the scripted numbers of messages and counts how often a caller waited for it. */
function scripted(accepted: (number | Error)[]): Sender & { waits: number } {
  const script = accepted.values()
  return {
    waits: 0,
    sendMessages(batch) {
      const next = script.next().value
      if (next === undefined) throw new Error('unexpected send')
      if (typeof next !== 'number') throw next
      batch.advance(next)
      return next
    },
    async writable() {
      this.waits += 1
    },
  }
}

t.test('sendAll waits only when the socket would block', async (t) => {
  const sender = scripted([3, 0, 2, 0, 0, 1])
  t.strictSame(await sendAll(sender, messages(6)), { sent: 6, failed: [] })
  t.equal(sender.waits, 3)
})

t.test('an error without a message index is an error of the socket and ends sendAll', async (t) => {
  await t.rejects(sendAll(scripted([1, new Error('broken')]), messages(3)), { message: 'broken' })
  const bad = Object.assign(new Error('EBADF'), { code: 'EBADF', index: 1 })
  await t.rejects(sendAll(scripted([1, bad]), messages(3)), { code: 'EBADF' })
})

t.test('an error with another index does not fail the next message', async (t) => {
  const odd = Object.assign(new Error('odd'), { code: 'EMSGSIZE', index: 7 })
  await t.rejects(sendAll(scripted([1, odd]), messages(3)), { message: 'odd' })
})

t.test('with a socket buffer far smaller than the batch, all messages arrive in order', async (t) => {
  using receiver = boundSocket()
  using sender = BatchConn.open({ sendBufferBytes: 4096 })
  sender.connect(receiver.localAddress)
  const out = new SendBatch({ capacity: 500, slotBytes: 1400 })
  const expected = Array.from({ length: 500 }, (_, index) => String(index).padEnd(1400))
  for (const text of expected) out.append(text)
  t.strictSame(await sender.sendAll(out), { sent: 500, failed: [] })
  t.strictSame(
    drain(receiver).map(({ text }) => text),
    expected,
  )
})

t.test('sendAll can be aborted before and while it waits; batch.sent is the number of sent messages', async (t) => {
  await t.rejects(sendAll(scripted([]), messages(1), AbortSignal.abort(new Error('no'))), { message: 'no' })
  const controller = new AbortController()
  const stuck: Sender = {
    sendMessages: (batch) => {
      if (batch.sent > 0) return 0
      batch.advance(1)
      return 1
    },
    writable: async ({ signal }) => {
      controller.abort(new Error('enough'))
      signal?.throwIfAborted()
    },
  }
  const batch = messages(3)
  await t.rejects(sendAll(stuck, batch, controller.signal), { message: 'enough' })
  t.equal(batch.sent, 1)
})

t.test('closing the socket rejects a waiting sendAll', async (t) => {
  using sender = BatchConn.open()
  const waiting = sendAll({ sendMessages: () => 0, writable: () => sender.readable() }, messages(1))
  setImmediate(() => sender.close())
  await t.rejects(waiting, { code: 'ERR_SOCKET_CLOSED' })
})

t.test('sendAll rejects invalid arguments', async (t) => {
  using conn = BatchConn.open()
  const batch = batchOf(1)
  await t.rejects(conn.sendAll(batch, { signal: 1 as never }), { code: 'ERR_INVALID_ARG_TYPE' })
  await t.rejects(conn.sendAll(batch, { sginal: undefined } as never), { code: 'ERR_UNKNOWN_OPTION' })
  await t.rejects(conn.sendAll({} as never), { code: 'ERR_INVALID_ARG_TYPE', message: /SendBatch/ })
})
