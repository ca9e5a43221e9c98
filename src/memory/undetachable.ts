import { types } from 'node:util'
import * as workerThreads from 'node:worker_threads'

/**
 * Allocates zeroed memory of at least `byteLength` bytes for the payloads of zero-copy sends. `isUndetachable` returns false
 * for it if this runtime has no suitable memory.
 *
 * Where marks are ignored it is the memory of a WebAssembly instance, which the engine never detaches. That is allocated in
 * units of 64 KiB and reserves 10 GiB of addresses, of which only used pages occupy memory.
 */
export function allocateUndetachable(byteLength: number): ArrayBuffer {
  // A worker thread has no zero-copy sends.
  if (areMarksObeyed || !workerThreads.isMainThread || Memory === undefined || bufferOf === undefined)
    return new ArrayBuffer(byteLength)
  try {
    const pages = Math.ceil(byteLength / PAGE_BYTES)
    const buffer = bufferOf.call(new Memory({ initial: pages, maximum: pages }))
    undetachable.add(buffer)
    return buffer
  } catch {
    // No addresses are left.
    return new ArrayBuffer(byteLength)
  }
}

/** Marks memory as untransferable, permanently. */
export function mark(memory: ArrayBufferLike): void {
  markAsUntransferable(memory)
}

/** Returns true if marked memory cannot be detached. */
export function isUndetachable(memory: ArrayBufferLike): boolean {
  return areMarksObeyed || undetachable.has(memory) || isSharedArrayBuffer(memory)
}

// On Node 20 and 22, `postMessage` and `structuredClone` obey the mark; byte streams and `transfer` do not. Node 20 has no
// `transfer`.
function findWhetherMarksAreObeyed(): boolean {
  const memory: ArrayBuffer & { transfer?(): unknown } = new ArrayBuffer(1)
  if (typeof memory.transfer !== 'function') return false
  markAsUntransferable(memory)
  try {
    memory.transfer()
    return false
  } catch {
    return memory.byteLength === 1
  }
}

// Captured at load: what replaces them later could leave memory unmarked, or return memory that can be detached.
const { markAsUntransferable } = workerThreads
const { isSharedArrayBuffer } = types

/** True if no function of the engine detaches memory that is marked with `markAsUntransferable`. */
export const areMarksObeyed = findWhetherMarksAreObeyed()

const undetachable = new WeakSet<ArrayBufferLike>()

const PAGE_BYTES = 65_536

// The types of Node 20 do not have it; Node has none with `--jitless`.
declare const WebAssembly: { readonly Memory: MemoryClass } | undefined
type MemoryClass = new (limits: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer }

const Memory = typeof WebAssembly === 'undefined' ? undefined : WebAssembly.Memory
const bufferOf: (() => ArrayBuffer) | undefined =
  Memory && Object.getOwnPropertyDescriptor(Memory.prototype, 'buffer')?.get
