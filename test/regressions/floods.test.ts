import { closeSync } from 'node:fs'
import { setImmediate as loopIteration } from 'node:timers/promises'
import t from 'tap'
import { BatchConn, type Endpoint, endpoint, RecvBatch, SendBatch } from '../../src/index.js'
import { bound, until } from '../dgram/support.js'
import { boundSocket } from '../support/sockets.js'

// A flood keeps a descriptor out of the epoll. What happens to its socket, and to the code of its callbacks, meanwhile.

function send(to: Endpoint, count: number): void {
  using conn = BatchConn.open()
  const out = new SendBatch({ capacity: count, slotBytes: 8 })
  for (let index = 0; index < count; index += 1) out.append(String(index), to)
  while (out.remaining > 0) conn.send(out)
}

t.test('a descriptor that was closed elsewhere during a flood is an error of the socket', async (t) => {
  const conn = boundSocket()
  let count = 0
  const error = new Promise<Error>((resolve) => {
    const onBatch = (batch: RecvBatch) => {
      count += batch.length
      // After the last check of the paused watch, and before it returns to the epoll.
      if (count === 300) process.nextTick(() => closeSync(conn.fd))
    }
    conn.onReadable(new RecvBatch(), onBatch, { onError: resolve })
  })
  send(conn.localAddress, 300)
  t.match(await error, { code: 'EBADF' })
  t.equal(conn.closed, true)
})

t.test('unref does not throw when the descriptor was closed elsewhere during a flood', async (t) => {
  const conn = boundSocket()
  let count = 0
  const error = new Promise<Error>((resolve, reject) => {
    const onBatch = (batch: RecvBatch) => {
      count += batch.length
      if (count !== 256) return
      process.nextTick(() => {
        closeSync(conn.fd)
        try {
          conn.unref().ref()
        } catch (thrown) {
          reject(thrown)
        }
      })
    }
    conn.onReadable(new RecvBatch(), onBatch, { onError: resolve })
  })
  send(conn.localAddress, 300)
  t.match(await error, { code: 'EBADF' })
})

t.test('a listener that is added again by an immediate misses no message of a flood', async (t) => {
  const socket = await bound(t, { recvBufferSize: 16 << 20, gro: false })
  const seen: string[] = []
  const onMessage = (bytes: Buffer) => {
    seen.push(String(bytes))
    // In the first iteration of the flood, in the first one without a watch, and in a later one.
    if (![10, 300, 600].includes(seen.length)) return
    socket.off('message', onMessage)
    setImmediate(() => socket.on('message', onMessage))
  }
  socket.on('message', onMessage)
  send(endpoint({ address: '127.0.0.1', port: socket.address().port }), 1_000)
  await until(() => seen.at(-1) === '999')
  t.strictSame(
    seen,
    Array.from({ length: 1_000 }, (_, index) => String(index)),
  )
})

t.test('a tick of a callback runs before its immediates, and before the next batches of a flood', async (t) => {
  const conn = boundSocket()
  t.teardown(() => conn.close())
  const seen: string[] = []
  let count = 0
  conn.onReadable(new RecvBatch({ capacity: 256 }), (batch) => {
    count += batch.length
    seen.push('batch')
    if (seen.length > 1) return
    setImmediate(() => seen.push('immediate'))
    process.nextTick(() => seen.push('tick'))
  })
  send(conn.localAddress, 600)
  for (let round = 0; round < 1_000 && count < 600; round += 1) await loopIteration()
  t.strictSame(seen.slice(0, 3), ['batch', 'tick', 'immediate'])
  t.equal(count, 600)
})
