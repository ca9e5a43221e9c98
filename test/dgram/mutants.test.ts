import nodeDgram from 'node:dgram'
import { BlockList } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { readSettings } from '../../src/dgram/options.js'
import { SendQueue } from '../../src/dgram/send-queue.js'
import { QueueCounters } from '../../src/dgram/stats.js'
import { BatchConn, type Endpoint } from '../../src/index.js'
import { Counters } from '../../src/socket/counters.js'
import { boundSocket } from '../support/sockets.js'
import { bound, until } from './support.js'

/** A queue that sends single datagrams, and the number of large batches that it reported. */
function queue(t: Test): { queue: SendQueue; add: (count: number) => void; largeBatches: () => number } {
  const receiver = boundSocket()
  const conn = BatchConn.open({ gso: false })
  t.teardown(() => {
    conn.close()
    receiver.close()
  })
  const destination: Endpoint = receiver.localAddress
  let largeBatches = 0
  const watcher = { onLargeBatch: () => (largeBatches += 1), onBlocked: () => {}, onDrain: () => {} }
  const made = new SendQueue(conn, watcher, readSettings({ type: 'udp4' }).queue, new QueueCounters(new Counters()))
  const add = (count: number) => {
    for (let index = 0; index < count; index += 1) made.add('x', destination)
  }
  return { queue: made, add, largeBatches: () => largeBatches }
}

t.test('a large batch is reported if the flush before it was large too', (t) => {
  const { queue: made, add, largeBatches } = queue(t)
  add(64)
  made.flush()
  t.equal(largeBatches(), 0, 'the first large batch')
  add(64)
  made.flush()
  t.equal(largeBatches(), 1, 'the second one')
  add(63)
  made.flush()
  t.equal(largeBatches(), 1, 'a batch of 63 messages is not large')
  add(64)
  made.flush()
  t.equal(largeBatches(), 1, 'a large batch after a small one')
  t.end()
})

t.test('a message whose host name resolves to a blocked address fails once', async (t) => {
  const sendBlockList = new BlockList()
  sendBlockList.addAddress('127.0.0.1')
  const lookup = (_name: string, ...rest: unknown[]) => {
    process.nextTick(rest.at(-1) as (error: null, address: string) => void, null, '127.0.0.1')
  }
  const socket = await bound(t, { sendBlockList, lookup: lookup as never })
  const results: unknown[] = []
  socket.send('x', socket.address().port, 'host.test', (error) => results.push(error))
  await until(() => results.length > 0)
  await sleep(0)
  t.match(results, [{ code: 'ERR_IP_BLOCKED' }])
  t.equal(results.length, 1)
})

t.test('a tracer that replaces Socket.prototype.send of node:dgram receives no trailing undefined', async (t) => {
  const { send } = nodeDgram.Socket.prototype
  const seen: unknown[][] = []
  t.teardown(() => Object.assign(nodeDgram.Socket.prototype, { send }))
  Object.assign(nodeDgram.Socket.prototype, {
    send(this: unknown, ...args: unknown[]) {
      seen.push(args)
      Reflect.apply(send, this, args)
    },
  })
  const socket = await bound(t)
  const { port } = socket.address()
  socket.send('one', port, '127.0.0.1')
  socket.send('two', port)
  t.strictSame(seen, [
    ['one', port, '127.0.0.1'],
    ['two', port],
  ])
})
