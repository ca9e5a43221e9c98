import { isBuiltin } from 'node:module'
import { median } from 'simple-statistics'
import { koffi } from '../../src/internal.js'
import type { Sender } from './sender.js'

/**
 * Measures the cost of preparing one datagram in nanoseconds, without system calls: the median of samples that are long
 * enough for the clock.
 */
export function measurePreparation(sender: Sender, durationMs = 100): number {
  const batches = Math.ceil(SAMPLE_PACKETS / sender.packetsPerBatch)
  const samplesMs: number[] = []
  sender.begin(1)
  let startMs = performance.now()
  for (const endMs = startMs + durationMs; startMs < endMs; ) {
    for (let batch = 0; batch < batches; batch += 1) sender.prepare()
    const nowMs = performance.now()
    samplesMs.push(nowMs - startMs)
    startMs = nowMs
  }
  return (median(samplesMs) * 1e6) / (batches * sender.packetsPerBatch)
}

const SAMPLE_PACKETS = 4096

/** C functions with the parameters of the batched calls, which do almost nothing. */
export interface Crossings {
  readonly fourIntegers: (fd: number, messages: number, count: number, flags: number) => number
  readonly threeIntegers: (fd: number, message: number, flags: number) => number
  readonly fiveIntegers: (fd: number, messages: number, count: number, flags: number, timeout: number) => number
}

// abs(3) uses its first parameter only; the others are passed in registers and ignored.
export function crossings(): Crossings {
  const library = koffi().load(null)
  return {
    fourIntegers: library.func('int abs(int, uintptr_t, unsigned int, int)'),
    threeIntegers: library.func('intptr_t labs(int, uintptr_t, int)'),
    fiveIntegers: library.func('int abs(int, uintptr_t, unsigned int, int, uintptr_t)'),
  }
}

/** The same by Node's own FFI. @throws Error if this version of Node has none */
export function nodeCrossings(): Pick<Crossings, 'fourIntegers' | 'threeIntegers'> {
  if (!isBuiltin('node:ffi')) throw new Error(`Node ${process.versions.node} has no node:ffi; 26.1 and later have it`)
  const { dlopen } = require('node:ffi') as NodeFfi
  const four = dlopen(null, { abs: { arguments: ['i32', 'u64', 'u32', 'i32'], return: 'i32' } }).functions.abs
  const three = dlopen(null, { labs: { arguments: ['i32', 'u64', 'i32'], return: 'i64' } }).functions.labs
  return { fourIntegers: four as never, threeIntegers: three as never }
}

/** Measures one crossing from JavaScript into C through Koffi, in nanoseconds: the median of samples of 4096 calls. */
export function measureCrossing(call: 'sendmsg' | 'sendmmsg', durationMs = 30): number {
  const { fourIntegers, threeIntegers } = crossings()
  const cross =
    call === 'sendmmsg'
      ? (turn: number) => fourIntegers(turn, SOME_ADDRESS, 64, 0x4040)
      : (turn: number) => threeIntegers(turn, SOME_ADDRESS, 0x4040)
  let sum = 0
  const samples: number[] = []
  for (const endMs = performance.now() + durationMs; performance.now() < endMs; ) {
    const startMs = performance.now()
    for (let turn = 0; turn < SAMPLE_CALLS; turn += 1) sum = (sum + cross(turn)) | 0
    samples.push(performance.now() - startMs)
  }
  return (median(samples) * 1e6) / SAMPLE_CALLS
}

/** As large as addresses are; it is not dereferenced. */
export const SOME_ADDRESS = 0x7f12_3456_7000
const SAMPLE_CALLS = 4096

interface NodeFfi {
  dlopen(
    path: null,
    definitions: Record<string, { arguments: string[]; return: string }>,
  ): { functions: Record<string, (...given: (number | bigint)[]) => number> }
}
