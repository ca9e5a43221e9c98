import { isBuiltin } from 'node:module'
import { koffi } from '../library.js'

/** C functions with the parameters of the batched calls that do next to nothing. */
export interface Crossings {
  /** As `sendmmsg` is declared. */
  readonly fourIntegers: (fd: number, messages: number, count: number, flags: number) => number
  /** As `sendmsg` is declared. */
  readonly threeIntegers: (fd: number, message: number, flags: number) => number
  /** As `recvmmsg` is declared. */
  readonly fiveIntegers: (fd: number, messages: number, count: number, flags: number, timeout: number) => number
}

// abs(3) looks at its first parameter alone; further ones travel in registers and are ignored.
export function crossings(): Crossings {
  const library = koffi().load(null)
  return {
    fourIntegers: library.func('int abs(int, uintptr_t, unsigned int, int)'),
    threeIntegers: library.func('intptr_t labs(int, uintptr_t, int)'),
    fiveIntegers: library.func('int abs(int, uintptr_t, unsigned int, int, uintptr_t)'),
  }
}

/** The same by Node's own FFI, where the runtime has it. @throws Error where it has not */
export function nodeCrossings(): Pick<Crossings, 'fourIntegers' | 'threeIntegers'> {
  if (!isBuiltin('node:ffi')) throw new Error(`Node ${process.versions.node} has no node:ffi; it came with 26.1`)
  const { dlopen } = require('node:ffi') as NodeFfi
  const four = dlopen(null, { abs: { arguments: ['i32', 'u64', 'u32', 'i32'], return: 'i32' } }).functions.abs
  const three = dlopen(null, { labs: { arguments: ['i32', 'u64', 'i32'], return: 'i64' } }).functions.labs
  return { fourIntegers: four as never, threeIntegers: three as never }
}

interface NodeFfi {
  dlopen(
    path: null,
    definitions: Record<string, { arguments: string[]; return: string }>,
  ): { functions: Record<string, (...given: (number | bigint)[]) => number> }
}
