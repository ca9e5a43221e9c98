import type { Case } from '../plan/case.js'
import type { Executor } from './executor.js'

/** How many operations of a case fill a block. Finding out also warms the case up: it grows from one. */
export async function operationsPerBlock(executor: Executor, one: Case, blockNanoseconds: number): Promise<number> {
  let operations = 1
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
    const block = await executor.block(one, operations, 0)
    const nanoseconds = Math.max(1, block.nanoseconds)
    if (block.operations < operations) return block.operations
    const wanted = (operations * blockNanoseconds) / nanoseconds
    if (wanted <= operations * CLOSE_ENOUGH) return Math.max(1, Math.round(wanted))
    operations = Math.ceil(Math.min(operations * MOST_GROWTH, wanted))
  }
  return operations
}

const MOST_ATTEMPTS = 16
const MOST_GROWTH = 16
const CLOSE_ENOUGH = 1.3
