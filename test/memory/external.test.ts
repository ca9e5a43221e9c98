import t from 'tap'
import { koffi } from '../../src/libc/koffi.js'
import { toByteView } from '../../src/memory/byte-view.js'
import { externalAddress, isDetached } from '../../src/memory/external.js'
import { rejects } from '../support/misuse.js'
import { nativeBytes } from '../support/native-memory.js'

/** Neither in the types of this Node version nor in ES2023. */
declare const WebAssembly: {
  Memory: new (descriptor: { initial: number }) => { readonly buffer: ArrayBuffer; grow(pages: number): number }
}

/** ES2024; Node 20 and newer have it. */
type Resizable = new (byteLength: number, options: { maxByteLength: number }) => ArrayBuffer
type Growable = new (byteLength: number, options: { maxByteLength: number }) => SharedArrayBuffer

const CONTENT = Buffer.from('the payload of one message')

function shared(): Uint8Array {
  const view = new Uint8Array(new SharedArrayBuffer(100), 9, CONTENT.byteLength)
  view.set(CONTENT)
  return view
}

function words(): Uint16Array {
  const memory = new Uint16Array(50)
  new Uint8Array(memory.buffer, 6).set(CONTENT)
  return memory.subarray(3, 3 + CONTENT.byteLength / 2)
}

const pooled = Buffer.from(CONTENT)

const views: [what: string, payload: ArrayBufferView][] = [
  ['a Buffer with its own memory', Buffer.from(new Uint8Array(CONTENT).buffer)],
  ['a Buffer in the pool', pooled],
  ['another Buffer in the same pool', Buffer.from(CONTENT)],
  ['a subarray', Buffer.concat([Buffer.from('not this: '), CONTENT, Buffer.from(' nor that')]).subarray(10, 10 + 26)],
  ['a Uint8Array', new Uint8Array(CONTENT)],
  ['a Uint16Array with an offset', words()],
  ['a DataView with an offset', new DataView(words().buffer, 6, CONTENT.byteLength)],
  ['a view of a SharedArrayBuffer', shared()],
  ['the memory of a WebAssembly instance', wasm()],
]

function wasm(): Uint8Array {
  const view = new Uint8Array(new WebAssembly.Memory({ initial: 1 }).buffer, 77, CONTENT.byteLength)
  view.set(CONTENT)
  return view
}

t.test('externalAddress returns the address of the first byte of the view', async (t) => {
  for (const [what, payload] of views) {
    const view = toByteView(payload) as Uint8Array
    const address = externalAddress(view)
    t.same(nativeBytes(address, CONTENT.byteLength), CONTENT, what)
    t.equal(externalAddress(view), address, `${what}: the same in a second call`)
  }
})

t.test('views of one buffer differ by their offset', async (t) => {
  const memory = new Uint8Array(100)
  t.equal(externalAddress(memory.subarray(40)), externalAddress(memory) + 40)
  t.equal(externalAddress(new Uint8Array(memory.buffer, 41)), externalAddress(memory) + 41)
  t.equal(externalAddress(memory), Number(koffi().address(memory)))
  t.ok(pooled.byteLength < pooled.buffer.byteLength, 'the pooled Buffer is part of a larger ArrayBuffer')
})

t.test('resizable memory is rejected', async (t) => {
  const resizable = new Uint8Array(new (ArrayBuffer as Resizable)(10, { maxByteLength: 20 }))
  const growable = new Uint8Array(new (SharedArrayBuffer as unknown as Growable)(10, { maxByteLength: 20 }))
  const wanted = {
    type: TypeError,
    code: 'ERR_INVALID_ARG_VALUE',
    message: 'payload must not be in a resizable ArrayBuffer',
  } as const
  rejects(t, [
    { what: 'a resizable ArrayBuffer', act: () => externalAddress(resizable), ...wanted },
    { what: 'a view of one', act: () => externalAddress(resizable.subarray(2, 4)), ...wanted },
    { what: 'a growable SharedArrayBuffer', act: () => externalAddress(growable), ...wanted },
    { what: 'a second call', act: () => externalAddress(resizable), ...wanted },
  ])
})

t.test('a view whose memory was transferred is rejected', async (t) => {
  const view = new Uint8Array(50).subarray(10, 30)
  t.notOk(isDetached(view, 20))
  const moved = structuredClone(view.buffer, { transfer: [view.buffer as ArrayBuffer] })
  t.ok(isDetached(view, 20))

  const again = new Uint8Array(moved, 10, 20)
  t.notOk(isDetached(again, 20))
  again.set(CONTENT.subarray(0, 20))
  t.same(nativeBytes(externalAddress(again), 20), CONTENT.subarray(0, 20), 'the new buffer has its own address')
})

t.test('old views of a WebAssembly memory that grew are rejected', async (t) => {
  const memory = new WebAssembly.Memory({ initial: 1 })
  const view = new Uint8Array(memory.buffer, 0, 20)
  t.notOk(isDetached(view, 20))
  memory.grow(1)
  t.ok(isDetached(view, 20))
})
