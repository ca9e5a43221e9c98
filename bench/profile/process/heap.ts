import { getHeapStatistics } from 'node:v8'
import { median } from 'simple-statistics'
import type { Operation } from '../work/work.js'

/** What an operation leaves behind for the garbage collector, in bytes. */
export interface HeapGrowth {
  readonly heapBytes: number
  /** Memory outside the heap that its objects hold: the content of ArrayBuffers. */
  readonly externalBytes: number
}

/**
 * How many bytes an operation allocates. A collection meanwhile would hide some: such rounds show as a shrinking heap
 * and are left out, so they are kept short.
 */
export function heapGrowth(operation: Operation, count: number): HeapGrowth {
  for (let round = 0; round < WARM_ROUNDS; round += 1) growth(operation, count)
  // Looking at the heap allocates too.
  const looking = growth(operation, 0)
  const { heapBytes, externalBytes } = growth(operation, count)
  return {
    heapBytes: Math.max(0, heapBytes - looking.heapBytes) / count,
    externalBytes: Math.max(0, externalBytes - looking.externalBytes) / count,
  }
}

function growth(operation: Operation, count: number): HeapGrowth {
  const rounds = Array.from({ length: ROUNDS }, () => {
    const before = getHeapStatistics()
    operation.run(count)
    const after = getHeapStatistics()
    return {
      heapBytes: after.used_heap_size - before.used_heap_size,
      externalBytes: after.external_memory - before.external_memory,
    }
  }).filter(({ heapBytes, externalBytes }) => heapBytes >= 0 && externalBytes >= 0)
  if (rounds.length === 0) return { heapBytes: Number.NaN, externalBytes: Number.NaN }
  return {
    heapBytes: median(rounds.map(({ heapBytes }) => heapBytes)),
    externalBytes: median(rounds.map(({ externalBytes }) => externalBytes)),
  }
}

const WARM_ROUNDS = 3
const ROUNDS = 31
