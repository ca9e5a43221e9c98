// Preloaded with `node --require`. Registers the memory of every view whose native address the library obtains with the
// checker that LD_PRELOAD put into this process. It is CommonJS because it runs before any TypeScript loader. It runs
// once per thread. kernel-view.ts describes the parts.
const Module = require('node:module')
const { isAnyArrayBuffer, isTypedArray } = require('node:util/types')
const { MessagePort, Worker } = require('node:worker_threads')

// The states of kernel-view.h that only JavaScript can see.
const DETACHED = 2
const COLLECTED = 3

/** The ranges registered in each ArrayBuffer: `{ number, start, end }`, offsets in bytes. Weak: it keeps no memory. */
const rangesOf = new WeakMap()

// For memory that the C library's free() does not release, such as WebAssembly memory.
const collected = new FinalizationRegistry((number) => checker().retire(number, COLLECTED))

const { load } = Module.prototype

Module.prototype.load = function (filename) {
  load.call(this, filename)
  if (KOFFI.test(filename) && typeof this.exports.address === 'function') watch(this.exports)
}

/** Wraps the only function through which the library obtains native addresses. */
function watch(koffi) {
  const { address } = koffi
  koffi.address = (view) => {
    const pointer = address(view)
    if (ArrayBuffer.isView(view)) register(view, Number(pointer))
    return pointer
  }
}

function register(view, address) {
  // The engine's own getters, because a subclass can override them.
  const getters = isTypedArray(view) ? TYPED_ARRAY : DATA_VIEW
  const buffer = getters.buffer.call(view)
  const start = getters.byteOffset.call(view)
  const length = getters.byteLength.call(view)
  if (length === 0) return
  const ranges = rangesOf.get(buffer) ?? []
  if (ranges.some((range) => range.start === start && range.end === start + length)) return
  const number = checker().register(address - start, address, length)
  ranges.push({ number, start, end: start + length })
  rangesOf.set(buffer, ranges)
  collected.register(buffer, number)
}

/** Ends the ranges that exceed a buffer's present length: all of them if it was detached. */
function recheck(buffer) {
  const { byteLength } = buffer
  for (const { number, end } of rangesOf.get(buffer) ?? []) {
    if (end > byteLength) checker().retire(number, DETACHED)
  }
}

// A WeakRef per buffer, checked in each call, would find every detachment. But it keeps its target alive until the
// current job ends, which would hide a buffer that the library failed to hold. The functions that detach are wrapped.
function recheckAfter(owner, name, buffersOf) {
  const original = owner[name]
  if (original === undefined) return
  owner[name] = function (...args) {
    const buffers = buffersOf(this, args)
    try {
      return original.apply(this, args)
    } finally {
      for (const buffer of buffers) recheck(buffer)
    }
  }
}

function transferred(_, [, options]) {
  const list = Array.isArray(options) ? options : options?.transfer
  return Array.isArray(list) ? list.filter(isAnyArrayBuffer) : []
}

recheckAfter(globalThis, 'structuredClone', transferred)
recheckAfter(MessagePort.prototype, 'postMessage', transferred)
recheckAfter(Worker.prototype, 'postMessage', transferred)
recheckAfter(ArrayBuffer.prototype, 'transfer', (buffer) => [buffer])
recheckAfter(ArrayBuffer.prototype, 'transferToFixedLength', (buffer) => [buffer])
recheckAfter(ArrayBuffer.prototype, 'resize', (buffer) => [buffer])
recheckAfter(WebAssembly.Memory.prototype, 'grow', (memory) => [memory.buffer])

/** The checker's functions. Koffi is loaded here only after the library has loaded it. */
function checker() {
  loaded ??= loadChecker()
  return loaded
}

function loadChecker() {
  const library = require('koffi').load(null)
  try {
    return {
      register: library.func('size_t batchconn_register(uintptr_t, uintptr_t, size_t)'),
      retire: library.func('void batchconn_retire(size_t, int)'),
    }
  } catch (cause) {
    throw new Error('the kernel view is not in this process: start it with LD_PRELOAD', { cause })
  }
}

function gettersOf(prototype) {
  const getter = (name) => Object.getOwnPropertyDescriptor(prototype, name).get
  return { buffer: getter('buffer'), byteOffset: getter('byteOffset'), byteLength: getter('byteLength') }
}

const TYPED_ARRAY = gettersOf(Object.getPrototypeOf(Uint8Array.prototype))
const DATA_VIEW = gettersOf(DataView.prototype)

/** Paths of Koffi's modules. */
const KOFFI = /[\\/]node_modules[\\/]koffi[\\/]/

let loaded
