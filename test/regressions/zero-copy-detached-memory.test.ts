import workerThreads from 'node:worker_threads'
import t from 'tap'
import { BatchConn, SendBatch } from '../../src/index.js'
import { boundSocket, drain } from '../support/sockets.js'

/** What can detach an ArrayBuffer. On Node 20 and 22, some of these ignore `markAsUntransferable`. */
const takeAway: Record<string, (memory: ArrayBuffer & { transfer?(): unknown }) => unknown> = {
  structuredClone: (memory) => structuredClone(memory, { transfer: [memory] }),
  postMessage: (memory) => {
    const { port1 } = new MessageChannel()
    try {
      port1.postMessage(0, [memory])
    } finally {
      port1.close()
    }
  },
  'ArrayBuffer.prototype.transfer': (memory) => memory.transfer?.(),
  'a BYOB reader': (memory) => {
    const reader = new ReadableStream({ type: 'bytes' }).getReader({ mode: 'byob' })
    reader.read(new Uint8Array(memory)).catch(() => {})
  },
  'a byte stream': (memory) =>
    new ReadableStream({ type: 'bytes', start: (controller) => controller.enqueue(new Uint8Array(memory)) }),
}

function attempt(take: (memory: ArrayBuffer) => unknown, memory: ArrayBuffer): void {
  try {
    take(memory)
  } catch (error) {
    if (!(error instanceof TypeError) && (error as Error).name !== 'DataCloneError') throw error
  }
}

for (const [name, take] of Object.entries(takeAway)) {
  t.test(`${name} does not take away slots, nor a reference that the kernel may still read`, async (t) => {
    using receiver = boundSocket()
    using conn = BatchConn.open({ zeroCopy: { minBytes: 4 } })
    const batch = new SendBatch({ capacity: 2, slotBytes: 16 })
    const slot = batch.reserve(4, receiver.localAddress, { segmentBytes: 2 })
    slot.write('aabb')
    const reference = new ArrayBuffer(4)
    Buffer.from(reference).write('ccdd')
    batch.appendReference(reference, receiver.localAddress, { segmentBytes: 2 })
    t.equal(conn.send(batch), 2)

    attempt(take, slot.buffer as ArrayBuffer)
    t.equal(slot.length, 4)
    attempt(take, reference)
    if (reference.byteLength === 0) t.equal(batch.inFlight, 1, 'the reference was copied')
    else t.ok(batch.inFlight >= 1)

    await conn.released(batch)
    t.strictSame(
      drain(receiver).map(({ text }) => text),
      ['aa', 'bb', 'cc', 'dd'],
    )
  })
}

t.test('what replaces functions of the engine after the library has loaded is not used', async (t) => {
  class Memory {
    readonly buffer = new ArrayBuffer(65_536)
  }
  t.intercept(globalThis as { WebAssembly?: unknown }, 'WebAssembly', { value: { Memory } })
  t.intercept(workerThreads, 'markAsUntransferable', { value: () => {} })
  using receiver = boundSocket()
  using conn = BatchConn.open({ zeroCopy: { minBytes: 4 } })
  const batch = new SendBatch({ capacity: 1, slotBytes: 16 })
  const slot = batch.reserve(4, receiver.localAddress, { segmentBytes: 2 })
  conn.send(batch)
  t.equal(batch.inFlight, 1)
  attempt(takeAway['a BYOB reader'], slot.buffer as ArrayBuffer)
  t.equal(slot.length, 4)
})
