import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import t from 'tap'
import { type ReceiveRecord, receiveService } from '../../../bench/control/receive-service.js'
import { RECEIVE_MODES, type ReceiveMode } from '../../../bench/traffic/modes.js'
import { openReceiver } from '../../../bench/traffic/open.js'
import { HeaderStamper } from '../../../bench/traffic/payload-header.js'
import type { Receiver } from '../../../bench/traffic/streams.js'
import { BatchConn, endpoint, SendBatch } from '../../../src/index.js'

const SIZE_BYTES = 200
const LISTEN = endpoint({ address: '127.0.0.1', port: 0 })

/** A receiver at work, ended with the test. */
async function receive(t: Test, mode: ReceiveMode) {
  const receiver = await openReceiver(mode, { listen: LISTEN, batch: 8, sizeBytes: SIZE_BYTES })
  const rows: ReceiveRecord[] = []
  const service = receiveService(receiver, mode, (row) => rows.push(row))
  const controller = new AbortController()
  const running = service.run(controller.signal)
  const end = async () => {
    controller.abort()
    await running
  }
  t.teardown(async () => {
    await end()
    receiver.close()
  })
  return { receiver, service, rows, end }
}

/** Sends datagrams with these sequence numbers. */
function send({ localAddress }: Receiver, stream: number, sequences: readonly number[], sizeBytes = SIZE_BYTES): void {
  using conn = BatchConn.open()
  const batch = new SendBatch({ capacity: 1, slotBytes: sizeBytes })
  const headers = new HeaderStamper([batch.reserve(sizeBytes, localAddress)])
  for (const sequence of sequences) {
    batch.rewind()
    headers.stamp(1, stream, sequence, 1000)
    if (conn.send(batch) !== 1) throw new Error('not sent')
  }
}

/** Makes GSO sends of so many datagrams, the last of which is a byte shorter, numbered from 0 on. */
function sendCoalesced(
  { localAddress }: Receiver,
  stream: number,
  segmentBytes: number,
  messages: number,
  segments: number,
) {
  using conn = BatchConn.open()
  const batch = new SendBatch({ capacity: messages, slotBytes: segmentBytes * segments })
  const payloads: Buffer[] = []
  for (let message = 0; message < messages; message += 1) {
    const bytes = batch.reserve(segmentBytes * segments - 1, localAddress, { segmentBytes })
    for (let at = 0; at < bytes.byteLength; at += segmentBytes) payloads.push(bytes.subarray(at, at + segmentBytes))
  }
  new HeaderStamper(payloads).stamp(payloads.length, stream, 0, 1000)
  if (conn.send(batch) !== messages) throw new Error('not sent')
}

const start = (stream: number, sizeBytes = SIZE_BYTES) => ({
  type: 'start' as const,
  stream,
  sizeBytes,
  mode: 'test',
  seconds: 1,
  warmUp: false,
})

const BATCH: Record<ReceiveMode, number> = { recvmmsg: 8, recvmsg: 1, gro: 8, dgram: 1, 'batchconn-dgram': 64 }

for (const mode of RECEIVE_MODES) {
  t.test(`${mode}: an announced stream is counted to the last datagram`, async (t) => {
    const { receiver, service, rows } = await receive(t, mode)
    let round = service.start(start(7), '192.0.2.1')
    const gro = mode === 'gro' || mode === 'batchconn-dgram'
    t.match(service.description, { mode, batch: BATCH[mode], gro, receiveBufferBytes: Number })
    send(receiver, 7, [0, 2, 1, 1, 5, 6, 0])
    const report = await round.stop(10)
    t.match(report, { delivered: 5, lost: 5, bytes: 5 * SIZE_BYTES, reordered: 1, duplicated: 2, outdated: 0 })
    t.equal(report.kernelDrops, /dgram/.test(mode) ? null : 0)
    t.ok(report.receiveCalls >= 1 && report.receiveCalls <= 7)
    t.equal(report.achievedBatch, 7 / report.receiveCalls)
    t.match(rows, [{ mode, round: 1, packets: 5, sender: { address: '192.0.2.1', mode: 'test' }, delivered: report }])

    send(receiver, 7, [8, 9])
    round = service.start(start(8), '192.0.2.1')
    send(receiver, 8, [0, 1, 2])
    t.match(await round.stop(3), { delivered: 3, lost: 0, duplicated: 0 }, 'stragglers are not counted for the next')
    t.equal(rows.length, 2)
  })

  t.test(`${mode}: without room for a header it only counts`, async (t) => {
    const { receiver, service } = await receive(t, mode)
    const round = service.start(start(7, 8), '192.0.2.1')
    send(receiver, 7, [0, 0, 0], 8)
    const nothing = { reordered: null, duplicated: null, jitterMicroseconds: null }
    t.match(await round.stop(4), { delivered: 3, lost: 1, bytes: 24, ...nothing })
  })
}

for (const mode of RECEIVE_MODES) {
  t.test(`${mode}: coalesced datagrams are counted one by one`, async (t) => {
    const { receiver, service } = await receive(t, mode)
    // Neither size is a multiple of four.
    for (const [stream, segmentBytes] of [
      [7, 53],
      [8, 6],
    ]) {
      const round = service.start(start(stream, segmentBytes), '192.0.2.1')
      sendCoalesced(receiver, stream, segmentBytes, 3, 10)
      const isNumbered = segmentBytes >= 16
      // The last of each GSO send is shorter by one.
      const bytes = 3 * (10 * segmentBytes - 1)
      t.match(await round.stop(30), { delivered: 30, lost: 0, bytes, truncated: 0 })
      t.match(service.records.at(-1)?.delivered, {
        duplicated: isNumbered ? 0 : null,
        reordered: isNumbered ? 0 : null,
      })
    }
    t.equal(receiver.counts.datagrams, 60)
  })
}

t.test('GRO where it is switched off', async (t) => {
  process.env.BATCHCONN_NO_GRO = '1'
  t.teardown(() => delete process.env.BATCHCONN_NO_GRO)
  const plan = { listen: LISTEN, batch: 8, sizeBytes: SIZE_BYTES }
  await t.rejects(openReceiver('gro', plan), /^GRO is not supported: the environment variable BATCHCONN_NO_GRO is set/)
  const receiver = await openReceiver('batchconn-dgram', plan)
  t.equal(receiver.gro.available, false, 'the drop-in does without')
  receiver.close()
})

t.test('a stream that was not announced is found, and ends when it is quiet', async (t) => {
  const { receiver, service, rows } = await receive(t, 'recvmmsg')
  send(receiver, 9, [0, 1, 3, 4])
  send(receiver, 10, [1])
  const stoppedAt = Date.now() + 10_000
  while (rows.length < 2 && Date.now() < stoppedAt) await sleep(20)
  t.match(rows, [
    { packets: 4, sender: { address: null }, delivered: { delivered: 4, lost: 1 } },
    { packets: 1, delivered: { delivered: 1, lost: 1 } },
  ])
  t.equal(service.records.length, 2)
})

t.test('what is unfinished at the end is reported as it stands', async (t) => {
  const { receiver, service, rows, end } = await receive(t, 'recvmmsg')
  service.start(start(7), '192.0.2.1')
  send(receiver, 7, [0, 3])
  send(receiver, 9, [0])
  while (receiver.counts.datagrams < 3) await sleep(2)
  await end()
  t.match(rows, [{ delivered: { delivered: 2, lost: 2 } }, { delivered: { delivered: 1, lost: 0 } }])
})

t.test('a sender that goes away', async (t) => {
  const { receiver, service, rows } = await receive(t, 'recvmmsg')
  const round = service.start(start(7), '192.0.2.1')
  send(receiver, 7, [0, 1])
  while (receiver.counts.datagrams < 2) await sleep(2)
  round.abandon()
  round.abandon()
  t.match(rows, [{ packets: 2 }], 'is reported once')
  await t.rejects(round.stop(2), /the round has ended/)
  t.equal(rows.length, 1)
})

for (const mode of RECEIVE_MODES) {
  t.test(`${mode}: several senders at the same time, each with its own statistics`, async (t) => {
    const { receiver, service, rows } = await receive(t, mode)
    const rounds = [7, 8, 9].map((stream) => service.start(start(stream), `192.0.2.${stream}`))
    for (let sequence = 0; sequence < 30; sequence += 1) {
      for (const stream of [7, 8, 9]) if (stream < 9 || sequence % 10 > 0) send(receiver, stream, [sequence])
    }
    const exact = { delivered: 30, lost: 0, bytes: 30 * SIZE_BYTES, duplicated: 0, reordered: 0 }
    t.match(await rounds[1].stop(30), exact)
    const reports = await Promise.all([rounds[0].stop(30), rounds[2].stop(30)])
    t.match(reports, [exact, { delivered: 27, lost: 3, duplicated: 0, reordered: 0 }])
    const senders = rows.map(({ sender: { address }, packets }) => `${address} ${packets}`).sort()
    t.strictSame(senders, ['192.0.2.7 30', '192.0.2.8 30', '192.0.2.9 27'])
  })
}

t.test('one stream has one sender, also the one of datagrams without a header', async (t) => {
  const { receiver, service, rows } = await receive(t, 'recvmmsg')
  const round = service.start(start(7), '192.0.2.1')
  t.throws(() => service.start(start(7), '192.0.2.2'), { message: 'another sender has the same stream' })
  const small = service.start(start(8, 8), '192.0.2.1')
  t.throws(
    () => service.start(start(9, 8), '192.0.2.2'),
    /datagrams below 16 bytes too, which do not name their stream/,
  )
  send(receiver, 7, [0])
  send(receiver, 8, [0, 0], 8)
  t.match(await Promise.all([round.stop(1), small.stop(2)]), [{ delivered: 1 }, { delivered: 2 }])
  t.equal(rows.length, 2)
  t.match(await service.start(start(9, 8), '192.0.2.2').stop(0), { delivered: 0 })
})

t.test('a stream that arrived before it was announced', async (t) => {
  const { receiver, service, rows } = await receive(t, 'recvmmsg')
  send(receiver, 7, [0, 1])
  while (receiver.counts.datagrams < 2) await sleep(2)
  const round = service.start(start(7), '192.0.2.1')
  t.match(rows, [{ packets: 2, sender: { address: null } }])
  send(receiver, 7, [0, 1, 2])
  t.match(await round.stop(3), { delivered: 3, lost: 0, duplicated: 0 })
})

t.test('larger datagrams than expected get room, if they are announced', async (t) => {
  const { receiver, service } = await receive(t, 'recvmmsg')
  let round = service.start(start(7, 3 * SIZE_BYTES), '192.0.2.1')
  send(receiver, 7, [0], 3 * SIZE_BYTES)
  t.match(await round.stop(1), { delivered: 1, bytes: 3 * SIZE_BYTES, truncated: 0 })
  round = service.start(start(8, 1), '192.0.2.1')
  await round.stop(0)
  round = service.start(start(9), '192.0.2.1')
  send(receiver, 9, [0], 3 * SIZE_BYTES + 1)
  t.match(await round.stop(1), { delivered: 1, truncated: 1, bytes: 3 * SIZE_BYTES })
})

t.test('kernel drops: all of them, those after the last datagram too', async (t) => {
  const { receiver, service } = await receive(t, 'recvmmsg')
  const round = service.start(start(7), '192.0.2.1')
  // Sent within one loop iteration: nothing empties the buffer meanwhile.
  const sent = Math.ceil(receiver.receiveBufferBytes / SIZE_BYTES)
  send(
    receiver,
    7,
    Array.from({ length: sent }, (_, sequence) => sequence),
  )
  const { delivered, lost, kernelDrops } = await round.stop(sent)
  t.ok(lost > 0, `${lost} of ${sent}`)
  t.equal(delivered + lost, sent)
  t.equal(kernelDrops, lost)
})

t.test('an aborted receiver does not wait', async () => {
  const receiver = await openReceiver('dgram', { listen: LISTEN, batch: 1, sizeBytes: 64 })
  const service = receiveService(receiver, 'dgram', () => {})
  await service.run(AbortSignal.abort())
  receiver.close()
})

t.test('a warm-up is received and not reported', async (t) => {
  const { receiver, service, rows } = await receive(t, 'recvmmsg')
  let round = service.start({ ...start(7), warmUp: true }, '192.0.2.1')
  send(receiver, 7, [0, 1])
  t.match(await round.stop(2), { delivered: 2, lost: 0 })
  round = service.start(start(8), '192.0.2.1')
  send(receiver, 8, [0])
  await round.stop(1)
  t.match(rows, [{ round: 1, packets: 1 }])
  t.equal(rows.length, 1)
})

t.test('one datagram of other traffic is not reported as a gigantic loss', async (t) => {
  const { receiver, rows } = await receive(t, 'recvmmsg')
  send(receiver, 0xdeadbeef, [2 ** 52 + 12_345])
  const stoppedAt = Date.now() + 10_000
  while (rows.length < 1 && Date.now() < stoppedAt) await sleep(20)
  t.match(rows, [{ packets: 1, delivered: { delivered: 1, lost: 0 } }])
})
