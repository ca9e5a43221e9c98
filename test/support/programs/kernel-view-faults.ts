import { setImmediate } from 'node:timers/promises'
import { isMainThread, Worker, workerData } from 'node:worker_threads'
import { addressOf } from '../../../src/libc/libc.js'
import { CALLS, type Call, HandMade, piece } from './kernel-view-message.js'

// Passes invalid messages to the kernel view. Arguments: the calls and the faults to inject, separated by commas, all
// by default; `worker` as the third to inject them in a worker thread. The last message of a call has the fault.
// Requires --expose-gc.

type Fault = (made: HandMade, message: number) => void | Promise<void>

const FAULTS: Readonly<Record<string, Fault>> = {
  none: () => {},
  'no name, with a length': (made, message) => made.set(message, 'name', 0),
  'nothing, at a bad address': (made, message) => made.setVector(message, 1, 0xbad, 0),
  'iovec one byte too long': (made, message) => made.setVector(message, 1, piece100().address, 101),
  'iovec one byte too early': (made, message) => made.setVector(message, 1, piece100().address - 1, 100),
  'iovec at 0': (made, message) => made.setVector(message, 0, 0, 100),
  'name too long': (made, message) => made.set(message, 'nameLength', 17),
  'control outside': (made, message) => made.set(message, 'control', made.get(message, 'control') + 64),
  'control too long': (made, message) => made.set(message, 'controlLength', 65),
  'too many iovecs': (made, message) => made.set(message, 'iovLength', 3),
  'overflowing number of iovecs': (made, message) => made.set(message, 'iovLength', 2 ** 60),
  'iovecs outside': (made, message) => made.set(message, 'iov', made.vectors[message].address + 16),
  'headers outside': (made) => {
    made.address += made.headers.view.byteLength + 1
  },
  'too many messages': (made) => {
    made.count = 3
  },
  'timeout outside': (made) => {
    made.timeout = 0xbad
  },
  'structuredClone with transfer': (made, message) => {
    const buffer = payload(made, message)
    kept.push(structuredClone(buffer, { transfer: [buffer] }))
  },
  'postMessage with transfer': (made, message) => {
    const buffer = payload(made, message)
    const { port1 } = new MessageChannel()
    port1.postMessage(buffer, [buffer])
    port1.close()
  },
  resize: (made, message) => payload(made, message, new ResizableArrayBuffer(100, { maxByteLength: 200 })).resize(99),
  'WebAssembly.Memory.grow': (made, message) => {
    const memory = new WebAssembly.Memory({ initial: 1 })
    kept.push(memory)
    payload(made, message, memory.buffer)
    memory.grow(1)
  },
  transfer: (made, message) => {
    const buffer = payload(made, message) as ResizableBuffer
    // Node 20 does not have it.
    kept.push(buffer.transfer === undefined ? structuredClone(buffer, { transfer: [buffer] }) : buffer.transfer())
  },
  collected: (made, message) => {
    dropPayload(made, message)
    collect()
  },
  'collected, and as much allocated again': (made, message) => {
    // malloc reuses a block of this size at once; a smaller one stays in the cache of the thread that freed it.
    dropPayload(made, message, 100_000)
    collect()
    for (let index = 0; index < 300; index += 1) kept.push(piece(100_000))
  },
  'WebAssembly.Memory collected': async (made, message) => {
    dropWebAssembly(made, message)
    for (let round = 0; round < 20; round += 1) {
      collect()
      await setImmediate()
    }
  },
}

// Not declared by the TypeScript libraries of this project.
declare const WebAssembly: {
  Memory: new (size: { initial: number }) => { readonly buffer: ArrayBuffer; grow(pages: number): number }
}
interface ResizableBuffer extends ArrayBuffer {
  resize(byteLength: number): void
  transfer?(): ArrayBuffer
}
const ResizableArrayBuffer = ArrayBuffer as unknown as new (
  byteLength: number,
  options: { maxByteLength: number },
) => ResizableBuffer

/** Keeps memory from being collected before the program ends. */
const kept: unknown[] = []

function piece100() {
  const made = piece(100)
  kept.push(made)
  return made
}

/** Makes an iovec of the message point at a buffer that only the caller references. */
function payload<B extends ArrayBuffer>(made: HandMade, message: number, buffer = new ArrayBuffer(100) as B): B {
  made.setVector(message, 1, addressOf(new Uint8Array(buffer, 0, 100)), 100)
  return buffer
}

function dropPayload(made: HandMade, message: number, byteLength = 100): void {
  payload(made, message, new ArrayBuffer(byteLength))
}

function dropWebAssembly(made: HandMade, message: number): void {
  payload(made, message, new WebAssembly.Memory({ initial: 1 }).buffer)
}

/** Collects twice: the first collection may free memory in a background thread, which the second waits for. */
function collect(): void {
  globalThis.gc?.()
  globalThis.gc?.()
}

async function inject(calls: readonly string[], faults: readonly string[]): Promise<void> {
  for (const call of calls as Call[]) {
    for (const fault of faults) {
      const made = new HandMade()
      kept.push(made)
      await FAULTS[fault](made, call.includes('mmsg') ? 1 : 0)
      made.call(call)
    }
  }
}

const [, , calls, faults, where] = process.argv
if (isMainThread && where === 'worker') new Worker(__filename, { argv: process.argv.slice(2), workerData: true })
else if (isMainThread || workerData === true) {
  void inject(calls?.split(',') ?? CALLS, faults?.split(',') ?? Object.keys(FAULTS))
}
