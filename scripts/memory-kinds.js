// Prints, for each kind of memory: whether a transfer detaches it, and the time of one store and of one copy.
// Usage: node scripts/memory-kinds.js
const koffi = require('koffi')
const { markAsUntransferable } = require('node:worker_threads')

const BYTES = 1 << 20
const mmap = koffi.load(null).func('uintptr_t mmap(uintptr_t, size_t, int, int, int, intptr_t)')

const kinds = {
  ArrayBuffer: () => new ArrayBuffer(BYTES),
  'ArrayBuffer, untransferable': () => {
    const buffer = new ArrayBuffer(BYTES)
    markAsUntransferable(buffer)
    return buffer
  },
  SharedArrayBuffer: () => new SharedArrayBuffer(BYTES),
  'WebAssembly.Memory': () => new WebAssembly.Memory({ initial: 16, maximum: 16 }).buffer,
  'mmap, seen through koffi.view': () => koffi.view(mmap(0, BYTES, 3, 0x22, -1, 0), BYTES),
}

function outcome(attempt, view) {
  try {
    attempt()
    return view.byteLength === 0 ? 'DETACHED' : 'stays'
  } catch (error) {
    return error.name
  }
}

function nanoseconds(work) {
  const count = 200_000
  work(count)
  const rounds = Array.from({ length: 7 }, () => {
    const start = process.hrtime.bigint()
    work(count)
    return Number(process.hrtime.bigint() - start) / count
  })
  return Math.min(...rounds).toFixed(1)
}

console.log(process.version)
for (const [name, make] of Object.entries(kinds)) {
  const [first, second] = [make(), make()]
  const transfers = {
    structuredClone: outcome(() => structuredClone(first, { transfer: [first] }), new Uint8Array(first)),
    'transfer()': second.transfer ? outcome(() => second.transfer(), new Uint8Array(second)) : 'none',
  }
  const memory = make()
  const words = new Uint32Array(memory)
  const bytes = new Uint8Array(memory)
  const payload = Buffer.alloc(1400, 1)
  const costs = {
    'one store, ns': nanoseconds((count) => {
      for (let index = 0; index < count; index += 1) words[index & 1023] = index
    }),
    'copy of 1400 bytes, ns': nanoseconds((count) => {
      for (let index = 0; index < count; index += 1) bytes.set(payload, (index & 63) * 1472)
    }),
  }
  console.log(name, { ...transfers, ...costs })
}
