import { isBuiltin } from 'node:module'
import { median } from 'simple-statistics'
import { koffi } from '../../src/internal.js'
import type { Sender } from './sender.js'

/** Measures the cost of preparing one datagram in nanoseconds, without system calls. */
export function measurePreparation(sender: Sender, durationMs = 100): number {
  const batches = Math.ceil(SAMPLE_STEPS / sender.packetsPerBatch)
  sender.begin(1)
  const prepare = () => {
    for (let batch = 0; batch < batches; batch += 1) sender.prepare()
  }
  return medianTime(prepare, durationMs) / (batches * sender.packetsPerBatch)
}

/** Measures one crossing from JavaScript into C through Koffi, in nanoseconds. */
export function measureCrossing(call: 'sendmsg' | 'sendmmsg', durationMs = 30): number {
  const { fourIntegers, threeIntegers } = crossings()
  const cross =
    call === 'sendmmsg'
      ? (turn: number) => fourIntegers(turn, SOME_ADDRESS, 64, 0x4040)
      : (turn: number) => threeIntegers(turn, SOME_ADDRESS, 0x4040)
  let sum = 0
  const crossAll = () => {
    for (let turn = 0; turn < SAMPLE_STEPS; turn += 1) sum = (sum + cross(turn)) | 0
  }
  return medianTime(crossAll, durationMs) / SAMPLE_STEPS
}

/** Returns the median of what `work` takes, in nanoseconds. It must be long enough for the clock. */
function medianTime(work: () => void, durationMs: number): number {
  const samplesMs: number[] = []
  const endMs = performance.now() + durationMs
  for (let startMs = performance.now(); startMs < endMs; startMs = performance.now()) {
    work()
    samplesMs.push(performance.now() - startMs)
  }
  return median(samplesMs) * 1e6
}

const SAMPLE_STEPS = 4096

type Crossing = (...words: number[]) => number

/**
 * Returns C functions with the parameters of the batched calls, which do almost nothing: abs(3) uses its first parameter only;
 * the others are passed in registers and ignored.
 */
export function crossings(): Record<'threeIntegers' | 'fourIntegers' | 'fiveIntegers', Crossing> {
  const library = koffi().load(null)
  return {
    threeIntegers: library.func('intptr_t labs(int, uintptr_t, int)'),
    fourIntegers: library.func('int abs(int, uintptr_t, unsigned int, int)'),
    fiveIntegers: library.func('int abs(int, uintptr_t, unsigned int, int, uintptr_t)'),
  }
}

/** The same by Node's own FFI. @throws Error if this version of Node has none */
export function nodeCrossings(): Record<'threeIntegers' | 'fourIntegers', Crossing> {
  if (!isBuiltin('node:ffi')) throw new Error(`Node ${process.versions.node} has no node:ffi; 26.1 and later have it`)
  const { dlopen } = require('node:ffi')
  const four = dlopen(null, { abs: { arguments: ['i32', 'u64', 'u32', 'i32'], return: 'i32' } }).functions.abs
  const three = dlopen(null, { labs: { arguments: ['i32', 'u64', 'i32'], return: 'i64' } }).functions.labs
  return { threeIntegers: three, fourIntegers: four }
}

/** As large as addresses are; it is not dereferenced. */
export const SOME_ADDRESS = 0x7f12_3456_7000
