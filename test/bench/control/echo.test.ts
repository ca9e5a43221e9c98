import t from 'tap'
import { receiveService } from '../../../bench/control/receive-service.js'
import { RECEIVE_MODES } from '../../../bench/traffic/modes.js'
import { openReceiver } from '../../../bench/traffic/open.js'
import { sequenceOf, writeHeader } from '../../../bench/traffic/payload-header.js'
import { BatchConn, type Endpoint, endpoint, RecvBatch, SendBatch } from '../../../src/index.js'

const SIZE_BYTES = 50
const start = { type: 'start' as const, sizeBytes: SIZE_BYTES, mode: 'test', seconds: 1, warmUp: false }

function request(stream: number, sequence: number): Buffer {
  const payload = Buffer.alloc(SIZE_BYTES, sequence)
  writeHeader(payload, stream, sequence)
  return payload
}

/** Sends the datagrams as one GSO send each, where there are several. */
function send(conn: BatchConn, to: Endpoint, payloads: readonly Buffer[]): void {
  const batch = new SendBatch({ capacity: 1, slotBytes: payloads.length * SIZE_BYTES })
  batch.append([...payloads], to, { segmentBytes: SIZE_BYTES })
  t.equal(conn.send(batch), 1)
}

for (const mode of RECEIVE_MODES) {
  t.test(`${mode}: datagrams of an echoed stream return to their source, others do not`, async (t) => {
    const listen = endpoint({ address: '127.0.0.1', port: 0 })
    const receiver = await openReceiver(mode, { listen, batch: 4, sizeBytes: SIZE_BYTES })
    const service = receiveService(receiver, mode, () => {})
    const controller = new AbortController()
    const running = service.run(controller.signal)
    using conn = BatchConn.open()
    using other = BatchConn.open()
    const round = service.start({ ...start, stream: 7, echo: true }, '127.0.0.1')
    const requests = Array.from({ length: 9 }, (_, sequence) => request(7, sequence))
    send(other, receiver.localAddress, [request(8, 0)])
    send(conn, receiver.localAddress, requests.slice(0, 8))
    send(conn, receiver.localAddress, requests.slice(8))
    const replies: Buffer[] = []
    const inbox = new RecvBatch({ slotBytes: 2 * SIZE_BYTES })
    while (replies.length < requests.length) {
      await conn.readable()
      conn.recv(inbox)
      for (const datagram of inbox) replies.push(Buffer.from(datagram.bytes))
    }
    replies.sort((one, two) => sequenceOf(one) - sequenceOf(two))
    t.strictSame(replies, requests)
    t.match(await round.stop(9), { delivered: 9, lost: 0 })
    const silent = service.start({ ...start, stream: 9 }, '127.0.0.1')
    send(conn, receiver.localAddress, [request(9, 0)])
    t.match(await silent.stop(1), { delivered: 1 })
    t.equal(conn.recv(inbox), 0, 'not echoed')
    t.equal(other.recv(inbox), 0)
    controller.abort()
    await running
    receiver.close()
  })
}

t.test('a reply that cannot be sent is lost, and the receiver goes on', async (t) => {
  const listen = endpoint({ address: '127.0.0.1', port: 0 })
  const receiver = await openReceiver('recvmmsg', { listen, batch: 4, sizeBytes: SIZE_BYTES })
  const service = receiveService(receiver, 'recvmmsg', () => {})
  const controller = new AbortController()
  const running = service.run(controller.signal)
  const original = BatchConn.prototype.send
  let isFailing = true
  using conn = BatchConn.open()
  const intercepted = t.intercept(BatchConn.prototype, 'send', {
    value(this: BatchConn, batch: SendBatch) {
      if (this !== conn && isFailing) {
        isFailing = false
        throw Object.assign(new Error('sendmsg EPERM'), { code: 'EPERM' })
      }
      return original.call(this, batch)
    },
  })
  const round = service.start({ ...start, stream: 7, echo: true }, '127.0.0.1')
  send(conn, receiver.localAddress, [request(7, 0), request(7, 1)])
  const inbox = new RecvBatch({ slotBytes: SIZE_BYTES })
  await conn.readable()
  t.equal(conn.recv(inbox), 1)
  t.equal(sequenceOf(inbox.bytes(0)), 1)
  t.match(await round.stop(2), { delivered: 2, lost: 0 })
  intercepted.restore()
  controller.abort()
  await running
  receiver.close()
})
