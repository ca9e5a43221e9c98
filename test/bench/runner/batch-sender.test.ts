import t from 'tap'
import { BatchSender } from '../../../bench/runner/batch-sender.js'
import { measurePreparation } from '../../../bench/runner/prepare-cost.js'
import type { SendPlan } from '../../../bench/runner/sender.js'
import { RecvBatch, SendBatch } from '../../../src/index.js'
import { boundSocket, deadEndpoint } from '../../support/sockets.js'

const plan = (overrides: Partial<SendPlan>): SendPlan => ({
  destination: deadEndpoint(),
  bind: undefined,
  connect: false,
  sizeBytes: 100,
  batch: 8,
  prepare: 'once',
  packetsPerSecond: undefined,
  ...overrides,
})

t.test('headers are built once, or again for each batch', async (t) => {
  const original = SendBatch.prototype.reserve
  for (const [prepare, expected] of [
    ['once', 0],
    ['batch', 24],
  ] as const) {
    const sender = new BatchSender(plan({ prepare }), 8)
    const reserved = t.capture(SendBatch.prototype, 'reserve', original)
    for (let batch = 0; batch < 3; batch += 1) sender.prepare()
    t.equal(reserved().length, expected, prepare)
    reserved.restore()
    sender.close()
  }
})

for (const prepare of ['once', 'batch'] as const) {
  for (const connect of [false, true]) {
    t.test(`${prepare}, ${connect ? '' : 'not '}connected: what is counted is what arrives, numbered`, async (t) => {
      using receiver = boundSocket()
      const inbox = new RecvBatch({ capacity: 1024, slotBytes: 128 })
      const sender = new BatchSender(plan({ destination: receiver.localAddress, prepare, connect }), 8)
      for (const stream of [7, 9]) {
        sender.begin(stream)
        sender.sendSlice(performance.now() + 0.001)
        if (sender.counts.packets === 0) sender.sendSlice(performance.now() + 20)
        const { packets, sendCalls, pollCalls } = sender.counts
        t.ok(packets > 0)
        t.equal(sendCalls, packets / 8)
        t.equal(pollCalls, 0)
        const numbers: number[] = []
        while (numbers.length < packets && receiver.recv(inbox) > 0) {
          for (const { bytes } of inbox) {
            if (bytes.readUInt32LE(0) !== stream) t.fail('of another stream')
            numbers.push(bytes.readUInt32LE(4))
          }
        }
        t.strictSame(
          numbers,
          Array.from({ length: packets }, (_, sequence) => sequence),
        )
      }
      sender.close()
    })
  }
}

t.test('the cost of preparing is measured without sending', async (t) => {
  using receiver = boundSocket()
  const sender = new BatchSender(plan({ destination: receiver.localAddress }), 8)
  const nanoseconds = measurePreparation(sender, 5)
  t.ok(nanoseconds > 0 && Number.isFinite(nanoseconds))
  t.equal(receiver.recv(new RecvBatch()), 0)
  sender.close()
})

t.test('a slow rate: no more than is due, and settled afterwards', async (t) => {
  using receiver = boundSocket()
  const sender = new BatchSender(plan({ destination: receiver.localAddress, packetsPerSecond: 100 }), 8)
  t.equal(sender.messagesPerBatch, 5)
  sender.begin(1)
  const startMs = performance.now()
  sender.sendSlice(startMs + 20)
  t.equal(sender.counts.packets, 5)
  sender.settle(startMs + 1000)
  t.ok(performance.now() - startMs >= 49, 'five packets at a hundred a second')
  sender.close()
})
