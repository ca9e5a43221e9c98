import type { Case } from '../plan/case.js'
import type { Block } from '../process/block.js'
import type { HeapGrowth } from '../process/heap.js'

/** Does the measuring: worker processes in earnest, a model of a machine in tests. */
export interface Executor {
  /** Makes a case possible. @returns why it is not, or undefined */
  prepare(one: Case): Promise<string | undefined>
  block(one: Case, operations: number, warmOperations: number): Promise<Block>
  heap(one: Case, operations: number): Promise<HeapGrowth>
}

/** Milliseconds on a clock that only goes forward. */
export type Clock = () => number
