import type { Work } from '../work/work.js'
import type { Block, ClockCosts } from './block.js'
import type { HeapGrowth } from './heap.js'

/** What a worker is told, one thing at a time. */
export type Order =
  | { readonly do: 'block'; readonly work: Work; readonly operations: number; readonly warmOperations: number }
  | { readonly do: 'heap'; readonly work: Work; readonly operations: number }

/** What it answers. */
export type Answer =
  | { readonly hello: true; readonly costs: ClockCosts; readonly priority: number; readonly isRealTime: boolean }
  | { readonly block: Block }
  | { readonly heap: HeapGrowth }
  /** It cannot be done here, and why. */
  | { readonly unable: string }
