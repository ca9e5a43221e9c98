import { setImmediate as nextIteration } from 'node:timers/promises'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { bound, messages, until } from '../dgram/support.js'
import { runChild } from '../support/child.js'

// A flush that does not come to its end: its script is terminated, the stack overflows, the process exits.

const HERE = '127.0.0.1'

t.test('a script that is terminated while it sends: the socket sends again', async (t) => {
  const [sink, receiver] = [await bound(t), await bound(t)]
  const seen = messages(receiver)
  // Where the termination hits is a matter of chance.
  for (let attempt = 0; attempt < 30; attempt += 1) {
    const sender = await bound(t)
    const send = () => sender.send(Buffer.alloc(200), sink.address().port, HERE)
    t.throws(() => runInNewContext('for (;;) send()', { send }, { timeout: 10 }), {
      code: 'ERR_SCRIPT_EXECUTION_TIMEOUT',
    })
    await nextIteration()
    sender.send(`after ${attempt}`, receiver.address().port, HERE)
    await until(() => seen.length === attempt + 1)
    await until(() => sender.getSendQueueCount() === 0)
    sender.close()
  }
})

t.test('a stack overflow in send(): the messages of other sockets are sent all the same', async (t) => {
  const receiver = await bound(t)
  const seen = messages(receiver)
  const { port } = receiver.address()
  // As many as have a batch: a further socket flushes one of them.
  const others = await Promise.all(Array.from({ length: 16 }, () => bound(t)))
  const sender = await bound(t)
  const sendAtDepth = (left: number): number => {
    let depth = 0
    try {
      depth = sendAtDepth(left)
    } catch {}
    if (depth === left) {
      try {
        sender.send('deep', port, HERE)
      } catch {}
    }
    return depth + 1
  }
  const depths = [6, 8, 10, 12, 14, 16, 18, 20, 22]
  for (const [index, depth] of depths.entries()) {
    for (const socket of others) socket.send('shallow', port, HERE)
    sendAtDepth(depth)
    await until(() => seen.filter((text) => text === 'shallow').length === 16 * (index + 1))
  }
  t.equal(seen.filter((text) => text === 'shallow').length, 16 * depths.length)
})

t.test('process.exit() in the middle of a flush: what exit listeners send arrives', async (t) => {
  const receiver = await bound(t)
  const seen = messages(receiver)
  const { code, stderr } = await runChild('exit-in-flush', { args: [String(receiver.address().port)] })
  t.strictSame([code, stderr], [0, ''])
  await until(() => seen.length === 3)
  t.strictSame(seen.toSorted(), ['at exit, other socket', 'at exit, same socket', 'before'])
})
