import { setImmediate as nextIteration } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { Socket } from '../../src/dgram/index.js'
import { boundSocket, drain } from '../support/sockets.js'
import { bound } from './support.js'

interface Senders {
  readonly sockets: readonly Socket[]
  /** Sends one message from each socket, `rounds` times in turn, within the current tick. */
  send(rounds?: number): void
  /** Numbers of the sockets whose messages have arrived since the last call, in their order. */
  arrived(): number[]
}

/** Sockets that have sent one message each in each of eight ticks. */
async function singleSenders(t: Test, count: number): Promise<Senders> {
  const receiver = boundSocket()
  t.teardown(() => receiver.close())
  const sockets: Socket[] = []
  while (sockets.length < count) sockets.push(await bound(t))
  const { port } = receiver.localAddress
  const senders: Senders = {
    sockets,
    send(rounds = 1) {
      for (let round = 0; round < rounds; round += 1) {
        for (const [number, socket] of sockets.entries()) socket.send(Buffer.of(48 + number), port, '127.0.0.1')
      }
    },
    arrived: () => drain(receiver).map(({ text }) => Number(text)),
  }
  for (let tick = 0; tick < 8; tick += 1) {
    senders.send()
    t.strictSame(senders.arrived(), [], 'queued until the end of the tick')
    await nextIteration()
    t.strictSame(senders.arrived(), [...sockets.keys()])
  }
  return senders
}

t.test('of more than four sockets with one message per tick, those that sent first send early', async (t) => {
  const { sockets, send, arrived } = await singleSenders(t, 6)
  send()
  t.strictSame(arrived(), [0, 1])
  t.equal(sockets[0].getSendQueueCount(), 0)
  await nextIteration()
  t.strictSame(arrived(), [2, 3, 4, 5])
  for (const { stats } of sockets) t.match(stats, { sendCalls: 9, sentMessages: 9 })
})

t.test('four sockets send at the end of the tick', async (t) => {
  const { send, arrived } = await singleSenders(t, 4)
  send()
  t.strictSame(arrived(), [])
  await nextIteration()
  t.strictSame(arrived(), [0, 1, 2, 3])
})

t.test('an option that is set in the same tick comes first, whatever the socket sent before', async (t) => {
  const { sockets, arrived } = await singleSenders(t, 1)
  const { port } = sockets[0].address()
  const error = new Promise((resolve) => sockets[0].send(Buffer.from('x'), port, '255.255.255.255', resolve))
  sockets[0].setBroadcast(true)
  t.equal(await error, null)
  t.strictSame(arrived(), [])
})

t.test('a socket that sends several messages per tick sends them together, among others that do', async (t) => {
  const { sockets, send, arrived } = await singleSenders(t, 6)
  send(2)
  t.strictSame(arrived(), [0, 1, 2, 3, 4, 5, 0, 1], 'one message each was expected')
  await nextIteration()
  t.strictSame(arrived(), [2, 3, 4, 5])
  const before = sockets.map(({ stats }) => stats.sendCalls)
  for (let tick = 0; tick < 3; tick += 1) {
    send(2)
    t.strictSame(arrived(), [])
    await nextIteration()
    t.strictSame(arrived(), [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5])
  }
  t.strictSame(
    sockets.map(({ stats }, number) => stats.sendCalls - before[number]),
    [3, 3, 3, 3, 3, 3],
  )
})
