import type { Sample } from '../../engine/sample.js'
import { percent } from '../../report/format.js'
import { type Breakdown, breakdownName, USER_COMPONENTS } from '../analysis/breakdown.js'
import type { CrossCheck } from './check.js'

/**
 * Compares the kernel's share of the time, as getrusage(2) reports it, with the breakdown's.
 *
 * @param samples - long ones: in a sample shorter than a clock tick the split is extrapolated from the process's past
 */
export function compareUsage(samples: readonly Sample[], breakdown: Breakdown): CrossCheck {
  const [name, by] = [`user and system time of ${breakdownName(breakdown)}`, 'getrusage']
  const user = samples.reduce((sum, one) => sum + one.userMicroseconds, 0)
  const system = samples.reduce((sum, one) => sum + one.systemMicroseconds, 0)
  if (user + system === 0) return { name, by, verdict: 'unavailable', text: 'the kernel reported no processor time' }
  const share = system / (user + system)
  const inKernel = breakdown.components.filter((component) => !USER_COMPONENTS.includes(component.name))
  const expected = inKernel.reduce((sum, component) => sum + component.share, 0)
  // The kernel attributes each clock tick to where it finds the process: a binomial sample.
  const ticks = (user + system) / TICK_MICROSECONDS
  const uncertainty = 2 * Math.sqrt((expected * (1 - expected)) / Math.max(1, ticks)) + TOLERANCE
  const text =
    `getrusage reports ${percent(share)} of the time in the kernel, the cost breakdown ${percent(expected)}; ` +
    `the kernel counts clock ticks, so ±${percent(uncertainty)}`
  return { name, by, verdict: Math.abs(share - expected) <= uncertainty ? 'agrees' : 'disagrees', text }
}

/** Compares the duration of clean samples by the wall clock with the running time of their thread. */
export function compareClocks(ratio: number): CrossCheck {
  const share = ratio - 1
  return {
    name: 'wall clock and thread clock',
    by: 'clock_gettime',
    verdict: Math.abs(share) < TOLERANCE ? 'agrees' : 'disagrees',
    text: `samples without interruption took ${percent(share)} longer by the wall clock than their thread was running`,
  }
}

const TICK_MICROSECONDS = 4000
const TOLERANCE = 0.02
