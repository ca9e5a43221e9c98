import { Arena, koffi } from '../library.js'

/** Lets this thread run before all ordinary ones, and back. */
export interface Scheduling {
  enter(): void
  leave(): void
}

/**
 * Real-time scheduling for the length of a block, so that ordinary programs cannot interrupt it. The kernel keeps some
 * time for them all the same.
 *
 * @returns undefined where it is not allowed
 */
export function realTime(): Scheduling | undefined {
  const setScheduler = koffi().load(null).func('int sched_setscheduler(int, int, uintptr_t)')
  const arena = new Arena({ parameters: 4 })
  const { address, offset } = arena.slabs.parameters
  const set = (policy: number, priority: number): boolean => {
    arena.view.setInt32(offset, priority, true)
    return setScheduler(0, policy, address) === 0
  }
  if (!set(SCHED_FIFO, 1)) return undefined
  set(SCHED_OTHER, 0)
  return { enter: () => set(SCHED_FIFO, 1), leave: () => set(SCHED_OTHER, 0) }
}

const SCHED_OTHER = 0
const SCHED_FIFO = 1
