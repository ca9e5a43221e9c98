import t from 'tap'
import { RecvBatch, SendBatch } from '../../src/index.js'
import { boundSocket, drain } from '../support/sockets.js'

function takeAway(view: Uint8Array): void {
  structuredClone(view, { transfer: [view.buffer as ArrayBuffer] })
}

/** Six messages, of which message 3 references detached memory. */
function batchWithGap(to: ReturnType<typeof boundSocket>['localAddress']): SendBatch {
  const out = new SendBatch()
  const gone = new Uint8Array(5)
  for (const text of ['m0', 'm1', 'm2']) out.append(text, to)
  out.appendReference(gone, to)
  for (const text of ['m4', 'm5']) out.append(text, to)
  takeAway(gone)
  return out
}

t.test('a reference to detached memory fails with its index, and the other messages are sent', async (t) => {
  using conn = boundSocket()
  const out = batchWithGap(conn.localAddress)
  t.equal(conn.send(out), 3)
  t.throws(() => conn.send(out), { code: 'ERR_MEMORY_DETACHED', index: 3 })
  t.equal(out.sent, 3)
  out.skip()
  t.equal(conn.send(out), 2)
  t.strictSame(
    drain(conn).map(({ text }) => text),
    ['m0', 'm1', 'm2', 'm4', 'm5'],
  )
})

t.test('sendAll skips such a message and reports it', async (t) => {
  using conn = boundSocket()
  const { sent, failed } = await conn.sendAll(batchWithGap(conn.localAddress))
  t.equal(sent, 5)
  t.match(failed, [{ index: 3, error: { code: 'ERR_MEMORY_DETACHED' } }])
})

t.test('memory that is already detached is rejected, not sent as an empty datagram', async (t) => {
  const out = new SendBatch()
  const payloads: Record<string, ArrayBufferView | ArrayBuffer> = {
    Uint8Array: new Uint8Array(5),
    Buffer: Buffer.from(new ArrayBuffer(5)),
    Uint16Array: new Uint16Array(5),
    DataView: new DataView(new ArrayBuffer(5)),
    ArrayBuffer: new ArrayBuffer(5),
  }
  for (const [what, payload] of Object.entries(payloads)) {
    const memory = payload instanceof ArrayBuffer ? payload : (payload.buffer as ArrayBuffer)
    structuredClone(memory, { transfer: [memory] })
    const wanted = { code: 'ERR_MEMORY_DETACHED' }
    t.throws(() => out.append(payload as Uint8Array), wanted, `append of ${what}`)
    t.throws(() => out.append([payload as Uint8Array]), wanted, `append of a list with ${what}`)
    t.throws(() => out.appendReference(payload as Uint8Array), wanted, `appendReference of ${what}`)
  }
  t.equal(out.length, 0)
  t.equal(out.append(new Uint8Array(0)), 0, 'an empty view of attached memory is an empty datagram')
})

t.test('each use of a RecvBatch whose own memory was detached is an error with a code', async (t) => {
  using conn = boundSocket()
  const out = new SendBatch({ capacity: 4 })
  const inbox = new RecvBatch()
  out.append('x', conn.localAddress)
  conn.send(out)
  conn.recv(inbox)
  // On Node 20, the reader of a byte stream detaches the memory of its view, even if it is marked as untransferable.
  const reader = new ReadableStream({ type: 'bytes' }).getReader({ mode: 'byob' })
  reader.read(new Uint8Array(inbox.bytes(0).buffer as ArrayBuffer)).catch(() => {})
  if (inbox.slots.memory.byteLength > 0) {
    t.comment('this runtime does not detach the memory')
    return
  }
  const wanted = { code: 'ERR_MEMORY_DETACHED' }
  t.throws(() => inbox.bytes(0), wanted, 'bytes')
  t.throws(() => [...inbox].length, wanted, 'iterating')
  t.throws(() => conn.recv(inbox), wanted, 'recv')
})
