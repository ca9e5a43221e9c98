import { once } from 'node:events'
import { MessageChannel } from 'node:worker_threads'
import fc from 'fast-check'
import t from 'tap'
import { AF_INET } from '../../src/libc/constants.js'
import { addressOf, libc } from '../../src/libc/libc.js'
import { Arena, cacheAligned } from '../../src/memory/arena.js'
import { areMarksObeyed } from '../../src/memory/undetachable.js'
import { childJson } from '../support/child.js'
import { nativeBytes } from '../support/native-memory.js'
import { holds } from '../support/property.js'

t.test('slabs of any size are aligned, separate from each other, and within the block', async (t) => {
  const anySizes = fc.dictionary(fc.string({ minLength: 1 }), fc.nat(5000), { minKeys: 1, maxKeys: 6 })
  holds(
    t,
    fc.property(anySizes, (sizes) => {
      const { slabs, bytes, words, view } = new Arena(sizes)
      const names = Object.keys(sizes)
      const inOrder = names.map((name) => slabs[name]).sort((a, b) => a.offset - b.offset)
      const sized = names.every((name) => slabs[name].byteLength === sizes[name])
      const aligned = inOrder.every(({ address }) => address % 64 === 0)
      const placed = inOrder.every(({ address, offset }) => address === addressOf(bytes) + offset)
      const apart = inOrder.every((slab, index) => {
        const end = inOrder[index + 1]?.offset ?? bytes.byteLength
        return slab.offset + slab.byteLength <= end
      })
      const oneBlock = bytes.buffer === words.buffer && view.buffer === words.buffer
      return sized && aligned && placed && apart && oneBlock && view.byteLength === bytes.byteLength
    }),
  )
})

t.test('slabs of different use share no cache line', async (t) => {
  const { slabs } = new Arena({ a: 1, b: 65, c: 64 })
  const line = (at: number) => Math.floor(at / 64)
  t.ok(line(slabs.a.address) < line(slabs.b.address))
  t.ok(line(slabs.b.address + 64) < line(slabs.c.address))
})

t.test('an arena is zeroed', async (t) => {
  t.ok(new Arena({ only: 10_000 }).bytes.every((byte) => byte === 0))
})

t.test('a native write at the address is visible in the views, and vice versa', async (t) => {
  const { slabs, bytes, words, view } = new Arena({ before: 100, numeric: 4 })
  const { offset, address } = slabs.numeric
  t.equal(libc().inet_pton(AF_INET, '192.0.2.7', address), 1)
  t.equal(bytes.toString('hex', offset, offset + 4), 'c0000207')
  t.equal(words[offset / 4], 0x070200c0)
  t.equal(view.getUint32(offset), 0xc0000207)
  words[offset / 4] = 0x04030201
  t.same(nativeBytes(address, 4), Buffer.from([1, 2, 3, 4]))
})

t.test('the address stays valid through garbage collections', async (t) => {
  t.same(await childJson('arena-survives', { flags: ['--expose-gc'] }), { good: 32, of: 32 })
})

/** Permitted results of a transfer: an error or a copy. Detaching the memory is not permitted. */
function transferOutcome(transfer: () => unknown): void {
  try {
    transfer()
  } catch (error) {
    if ((error as Error).name !== 'DataCloneError') throw error
  }
}

t.test('neither structuredClone nor postMessage can detach the memory', async (t) => {
  const arena = new Arena({ only: 64 })
  const buffer = arena.bytes.buffer as ArrayBuffer
  const { byteLength } = arena.bytes
  transferOutcome(() => structuredClone(buffer, { transfer: [buffer] }))
  t.equal(arena.bytes.byteLength, byteLength)

  const { port1, port2 } = new MessageChannel()
  transferOutcome(() => port1.postMessage(buffer, [buffer]))
  transferOutcome(() => port1.postMessage(arena.bytes, [buffer]))
  port1.postMessage('done')
  await once(port2, 'message')
  port2.close()
  t.equal(arena.bytes.byteLength, byteLength)
  t.doesNotThrow(() => arena.assertAttached())

  arena.bytes[arena.slabs.only.offset] = 7
  t.equal(nativeBytes(arena.slabs.only.address, 1)[0], 7, 'the address is still that of the views')
})

const NOT_HERE = areMarksObeyed && 'this engine does not detach marked memory, not even by %ArrayBufferDetach'

t.test('detached memory is detected before an address is passed to the kernel', { skip: NOT_HERE }, async (t) => {
  // Without a compiler V8 has no WebAssembly, whose memory cannot be detached.
  const result = await childJson<Record<string, unknown>>('detached', { flags: ['--jitless'] })
  const detached = "TypeError ERR_MEMORY_DETACHED: the batch's memory was transferred; create a new batch"
  t.same(result, {
    arena: detached,
    send: detached,
    appendText: detached,
    appendBytes: detached,
    reserve: detached,
    recv: detached,
    before: 'no error: 1',
    reference: 'TypeError ERR_MEMORY_DETACHED: the memory of message 1 was transferred',
    referenceByteLength: 0,
    sent: [0, 1],
    arrived: ['copied'],
  })
})

t.test('cacheAligned rounds up, also beyond 32 bits', async (t) => {
  const table: [bytes: number, aligned: number][] = [
    [0, 0],
    [1, 64],
    [64, 64],
    [65, 128],
    [2 ** 32 + 1, 2 ** 32 + 64],
    [0x7fff_0000_0001, 0x7fff_0000_0040],
  ]
  for (const [bytes, aligned] of table) t.equal(cacheAligned(bytes), aligned)
})
