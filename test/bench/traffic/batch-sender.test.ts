import t from 'tap'
import { BatchSender, gsoUnsupportedReason } from '../../../bench/traffic/batch-sender.js'
import { measurePreparation } from '../../../bench/traffic/costs.js'
import type { SendPlan } from '../../../bench/traffic/sender.js'
import { BatchConn, RecvBatch, SendBatch } from '../../../src/index.js'
import { boundSocket, deadEndpoint } from '../../support/sockets.js'

const plan = (overrides: Partial<SendPlan>): SendPlan => ({
  destination: deadEndpoint(),
  destinations: 1,
  grouped: false,
  bind: undefined,
  connect: false,
  sizeBytes: 100,
  batch: 8,
  segments: 5,
  buffers: 1,
  prepare: 'once',
  packetsPerSecond: undefined,
  burstMs: 1,
  hasFq: false,
  ...overrides,
})

const EIGHT = { messages: 8, segments: 1 }

t.test('headers are built once, or again for each batch', async (t) => {
  const original = SendBatch.prototype.reserve
  for (const [prepare, expected] of [
    ['once', 0],
    ['batch', 24],
  ] as const) {
    const sender = new BatchSender(plan({ prepare }), EIGHT)
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
      const sender = new BatchSender(plan({ destination: receiver.localAddress, prepare, connect }), EIGHT)
      for (const stream of [7, 9]) {
        sender.begin(stream)
        sender.sendSlice(performance.now() + 0.001)
        if (sender.counts.packets === 0) sender.sendSlice(performance.now() + 20)
        const { packets, sendCalls, wouldBlock } = sender.counts
        t.ok(packets > 0)
        t.equal(sendCalls, packets / 8)
        t.equal(wouldBlock, 0)
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

for (const [name, shape, grouped, inSecond] of [
  ['sendmsg, in turn', { messages: 1, segments: 1 }, false, [1, 5]],
  ['sendmmsg, in turn', EIGHT, false, [1, 5]],
  ['sendmmsg, one after the other', EIGHT, true, [2, 3]],
  ['GSO sends, in turn', { messages: 4, segments: 5 }, false, [5, 6]],
  ['joined by the library', { ...EIGHT, coalesce: true }, false, [1, 5]],
] as const) {
  t.test(`four destinations: ${name}`, async (t) => {
    using first = boundSocket()
    const destination = first.localAddress
    const others = [2, 3, 4].map((host) => {
      const address = { address: `127.0.0.${host}`, port: destination.port }
      return BatchConn.open({ receiveBufferBytes: 16 << 20 }).bind(address)
    })
    const sender = new BatchSender(plan({ destination, destinations: 4, grouped }), shape)
    const calls = t.capture(BatchConn.prototype, 'send', BatchConn.prototype.send)
    sender.begin(1)
    // On a busy machine the time can be over before the first send.
    while (sender.counts.packets === 0) sender.sendSlice(performance.now() + 1)
    const { stats } = calls()[0].receiver as BatchConn
    t.equal(stats.gsoSends > 0, shape.segments > 1 || 'coalesce' in shape)
    const { packets } = sender.counts
    t.ok(packets > 0)
    const inbox = new RecvBatch({ capacity: 64, slotBytes: 128 })
    for (const receiver of [first, ...others]) {
      const numbers: number[] = []
      while (receiver.recv(inbox) > 0) for (const { bytes } of inbox) numbers.push(bytes.readUInt32LE(4))
      t.equal(numbers.length, packets / 4)
      if (receiver === others[0]) t.strictSame(numbers.slice(0, 2), inSecond)
    }
    for (const receiver of others) receiver.close()
    sender.close()
  })
}

t.test('the cost of preparing is measured without sending', async (t) => {
  using receiver = boundSocket()
  const sender = new BatchSender(plan({ destination: receiver.localAddress }), EIGHT)
  const nanoseconds = measurePreparation(sender, 5)
  t.ok(nanoseconds > 0 && Number.isFinite(nanoseconds))
  t.equal(receiver.recv(new RecvBatch()), 0)
  sender.close()
})

t.test('a slow rate: no more than is due, and settled afterwards', async (t) => {
  using receiver = boundSocket()
  const sender = new BatchSender(
    plan({ destination: receiver.localAddress, packetsPerSecond: 100, burstMs: 50 }),
    EIGHT,
  )
  t.equal(sender.packetsPerBatch, 5)
  sender.begin(1)
  const startMs = performance.now()
  sender.sendSlice(startMs + 20)
  t.equal(sender.counts.packets, 5)
  sender.settle(startMs + 1000)
  t.ok(performance.now() - startMs >= 49, 'five packets at a hundred a second')
  sender.close()
})

for (const [messages, segments, sizeBytes] of [
  [1, 40, 1400],
  [3, 5, 17],
  [2, 7, 8],
]) {
  t.test(`GSO: ${messages} sends of ${segments} datagrams of ${sizeBytes} bytes per call, each counted`, async (t) => {
    for (const prepare of ['once', 'batch'] as const) {
      using receiver = boundSocket()
      const inbox = new RecvBatch({ capacity: 1024 })
      const sender = new BatchSender(plan({ destination: receiver.localAddress, sizeBytes, prepare }), {
        messages,
        segments,
      })
      t.equal(sender.packetsPerBatch, messages * segments)
      sender.begin(0xfffffff0)
      while (sender.counts.packets === 0) sender.sendSlice(performance.now() + 1)
      const { packets, sendCalls } = sender.counts
      t.ok(packets > 0)
      t.equal(packets, sendCalls * messages * segments)
      let arrived = 0
      while (receiver.recv(inbox) > 0) {
        for (const { bytes } of inbox) {
          if (bytes.byteLength !== sizeBytes) t.fail(`${bytes.byteLength} bytes`)
          if (sizeBytes >= 16 && bytes.readUInt32LE(0) !== 0xfffffff0) t.fail('of another stream')
          if (sizeBytes >= 16 && bytes.readUInt32LE(4) !== arrived) t.fail(`${bytes.readUInt32LE(4)} is not ${arrived}`)
          arrived += 1
        }
      }
      // The receiver's buffer drops the last ones.
      t.ok(arrived > 0 && arrived <= packets)
      sender.close()
    }
  })
}

t.test('a slow rate: fewer segments first, then fewer messages', async (t) => {
  const packets = (packetsPerSecond: number) => {
    const sender = new BatchSender(plan({ packetsPerSecond, burstMs: 50 }), { messages: 4, segments: 10 })
    sender.close()
    return sender.packetsPerBatch
  }
  t.strictSame([1, 100, 200, 500, 799, 800, 1e6].map(packets), [1, 5, 10, 20, 30, 40, 40])
})

t.test('with fq on the interface, the socket is paced, headers included', async (t) => {
  const original = BatchConn.open
  for (const [overrides, maxPacingRate] of [
    [{ hasFq: true, packetsPerSecond: 1000 }, 162_000],
    [{ hasFq: true, packetsPerSecond: 1e8 }, 2 ** 32 - 2],
    [{ hasFq: true }, undefined],
    [{ packetsPerSecond: 1000 }, undefined],
  ] as const) {
    const opened = t.capture(BatchConn, 'open', original.bind(BatchConn))
    new BatchSender(plan(overrides), EIGHT).close()
    t.equal(opened().at(-1)?.args[0]?.maxPacingRate, maxPacingRate)
    opened.restore()
  }
})

t.test('a mode that measures GSO ends when the socket switches it off', async (t) => {
  using receiver = boundSocket()
  const to = plan({ destination: receiver.localAddress })
  process.env.BATCHCONN_NO_GSO = '1'
  t.teardown(() => delete process.env.BATCHCONN_NO_GSO)
  t.equal(gsoUnsupportedReason(to), 'the environment variable BATCHCONN_NO_GSO is set')
  const sender = new BatchSender(to, { messages: 1, segments: 5 })
  sender.begin(1)
  t.throws(() => sender.sendSlice(performance.now() + 1), /^GSO to 127.0.0.1:\d+ stopped working: the environment/)
  sender.close()
})

t.test('whether GSO is supported is tried before', async (t) => {
  using receiver = boundSocket()
  const to = (overrides: Partial<SendPlan>) => plan({ destination: receiver.localAddress, ...overrides })
  t.equal(gsoUnsupportedReason(to({})), undefined)
  const inbox = new RecvBatch()
  t.equal(receiver.recv(inbox), 5, 'by sending one')
  t.ok(
    [...inbox].every(({ bytes }) => bytes.readUInt32LE(0) === 0),
    'which belongs to no stream',
  )
  t.match(gsoUnsupportedReason(to({ sizeBytes: 65_510 })), /^datagrams of 65510 bytes do not fit the MTU of 6553[56]/)
  t.equal(gsoUnsupportedReason(plan({ destination: deadEndpoint() })), undefined, 'no receiver is required')
})
