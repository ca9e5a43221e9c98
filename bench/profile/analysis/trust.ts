import { relativePrecision } from '../statistics/interval.js'
import type { Ladder } from './ladder.js'
import type { Noise } from './noise.js'

/** Whether the figures can be relied on, and what to do if not. */
export interface Trust {
  readonly isTrustworthy: boolean
  /** What is wrong, and what to change: each makes the result one not to be trusted. */
  readonly failures: readonly string[]
  /** What to keep in mind. */
  readonly warnings: readonly string[]
}

/** What trust is judged by. */
export interface TrustBasis {
  readonly ladders: readonly Ladder[]
  readonly noise: Noise
  readonly rounds: number
  /** The half-width asked for, as a share. */
  readonly precision: number
  readonly isRealTime: boolean
  readonly isPinned: boolean
  readonly crossCheckFailures: readonly string[]
}

export function judgeTrust(basis: TrustBasis): Trust {
  const { ladders, noise, rounds, precision } = basis
  const failures: string[] = [...basis.crossCheckFailures]
  const warnings: string[] = []
  if (ladders.length === 0) failures.push('no ladder could be measured: see which cases could not be done')
  if (rounds < FEWEST_ROUNDS) failures.push(`only ${rounds} rounds were done: run longer (--budget)`)
  const worst = Math.max(0, ...ladders.map(({ whole }) => relativePrecision(whole)))
  if (worst > precision) {
    const text = `the whole send is known to ${percent(worst)} only, ${percent(precision)} was asked: `
    failures.push(`${text}${remedy(basis)}`)
  }
  const apart = ladders.filter(({ addsUp, sum, whole }) => !addsUp && offBy(sum.estimate, whole.estimate) > TOLERABLE)
  for (const { mode, connected, sum, whole } of apart) {
    const where = `${mode}${connected ? ' connected' : ''}`
    failures.push(
      `the rungs of ${where} do not add up: they come to ${sum.estimate.toFixed(0)} ns, measured directly it is ` +
        `${whole.estimate.toFixed(0)} ns; run longer (--budget), with fewer things running`,
    )
  }
  if (noise.shortBlocks > 0) {
    warnings.push(`${noise.shortBlocks} blocks fell short of messages and do not count: a smaller --batch may help`)
  }
  const interruptedShare = noise.interrupted / Math.max(1, noise.blocks)
  if (interruptedShare > TOLERABLE_INTERRUPTIONS) {
    warnings.push(`${percent(interruptedShare)} of the blocks were interrupted by other programs: ${remedy(basis)}`)
  }
  if (noise.drift > TOLERABLE_DRIFT) {
    warnings.push(
      `the machine's speed drifted by ${percent(noise.drift)} over the run (the rounds are interleaved, so that ` +
        'differences bear it): stop other programs, or fix the clock frequency',
    )
  }
  return { isTrustworthy: failures.length === 0, failures, warnings }
}

function remedy({ isRealTime, isPinned }: TrustBasis): string {
  return [
    'stop other programs',
    ...(isRealTime ? [] : ['run as root, so that blocks are not interrupted']),
    ...(isPinned ? [] : ['keep to one processor (--pin)']),
    'or run longer (--budget)',
  ].join(', ')
}

function offBy(one: number, other: number): number {
  return Math.abs(one / other - 1)
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}

const FEWEST_ROUNDS = 5
/** A difference between sum and whole that is certain, but so small, says something about caches and not about mistakes. */
const TOLERABLE = 0.05
const TOLERABLE_INTERRUPTIONS = 0.2
const TOLERABLE_DRIFT = 0.15
