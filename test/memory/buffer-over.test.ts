import t, { type Test } from 'tap'
import { bufferOver } from '../../src/memory/buffer-over.js'

type Module = typeof import('../../src/memory/buffer-over.js')

t.test('bufferOver returns a Buffer over a part of a memory', async (t) => {
  isBufferOver(t, bufferOver)
})

t.test('bufferOver returns a Buffer also where Buffer has no species', async (t) => {
  const species = Object.getOwnPropertyDescriptor(Buffer, Symbol.species)
  t.teardown(() => species && Object.defineProperty(Buffer, Symbol.species, species))
  Object.defineProperty(Buffer, Symbol.species, { configurable: true, value: undefined })
  const fresh: Module = t.mockRequire('../../src/memory/buffer-over.js')
  isBufferOver(t, fresh.bufferOver)
})

function isBufferOver(t: Test, make: typeof bufferOver): void {
  const memory = new ArrayBuffer(16)
  const made = make(memory, 4, 8)
  t.ok(Buffer.isBuffer(made))
  t.equal(made.constructor, Buffer)
  t.equal(made.buffer, memory)
  t.match({ byteOffset: made.byteOffset, length: made.length }, { byteOffset: 4, length: 8 })
  made.write('abcdefgh')
  t.equal(Buffer.from(memory).toString(), '\0\0\0\0abcdefgh\0\0\0\0')
  t.equal(make(memory, 16, 0).length, 0)
  t.throws(() => make(memory, 12, 8), RangeError)
  t.throws(() => make(memory, 17, 0), RangeError)
}
