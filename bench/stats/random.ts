import { shuffle } from 'simple-statistics'

export type Random = () => number

/** Returns a generator of repeatable random numbers (mulberry32). */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Returns the same items in random order. */
export function shuffled<T>(items: readonly T[], random: Random): T[] {
  return shuffle([...items], random)
}
