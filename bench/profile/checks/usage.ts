import type { Ladder } from '../analysis/ladder.js'
import type { Block } from '../process/block.js'
import type { CrossCheck } from './check.js'

/**
 * Holds the kernel's share of the time, as getrusage(2) tells it, against the ladder's.
 *
 * @param blocks - long ones: in one shorter than a clock tick the split is a guess from the process's whole past
 */
export function compareUsage(blocks: readonly Block[], ladder: Ladder): CrossCheck {
  const [name, by] = [`user and system time of ${ladder.mode}${ladder.connected ? ' connected' : ''}`, 'getrusage']
  const user = blocks.reduce((sum, one) => sum + one.userMicroseconds, 0)
  const system = blocks.reduce((sum, one) => sum + one.systemMicroseconds, 0)
  if (user + system === 0) return { name, by, verdict: 'unavailable', text: 'no processor time was accounted' }
  const share = system / (user + system)
  const inKernel = ladder.rungs.filter(({ name: rung }) => !USER_RUNGS.includes(rung))
  const expected = inKernel.reduce((sum, rung) => sum + rung.share, 0)
  // The kernel splits by where its clock tick finds the process: so many coin tosses.
  const ticks = (user + system) / TICK_MICROSECONDS
  const uncertainty = 2 * Math.sqrt((expected * (1 - expected)) / Math.max(1, ticks)) + TOLERANCE
  const agrees = Math.abs(share - expected) <= uncertainty
  const text =
    `the kernel accounts ${percent(share)} of the time to itself, the ladder ${percent(expected)}; ` +
    `it looks only at its clock ticks, so ±${percent(uncertainty)}`
  return { name, by, verdict: agrees ? 'agrees' : 'disagrees', text }
}

/** Holds the time that blocks took on the wall against the time that their thread was running. */
export function compareClocks(wall: number, running: number): CrossCheck {
  const share = wall / running - 1
  return {
    name: 'wall clock and thread clock',
    by: 'clock_gettime',
    verdict: Math.abs(share) < CLOCK_TOLERANCE ? 'agrees' : 'disagrees',
    text: `uninterrupted blocks took ${percent(share)} longer on the wall than their thread was running`,
  }
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}

const USER_RUNGS: readonly string[] = ['loop', 'marshalling', 'bookkeeping', 'crossing']
const TICK_MICROSECONDS = 4000
const TOLERANCE = 0.02
const CLOCK_TOLERANCE = 0.02
