import type { Ladder } from '../analysis/ladder.js'

/** A ladder as one bar of text, each rung with a sign of its own, as wide as its share of `widest` nanoseconds. */
export function stackedBar({ rungs }: Ladder, widest: number, columns: number): string {
  let total = 0
  let drawn = 0
  let bar = ''
  for (const { name, nanoseconds } of rungs) {
    // Rounded on the running total, so that what is lost on one rung is not lost for the bar.
    total += Math.max(0, nanoseconds.estimate)
    const until = Math.round((total / widest) * columns)
    bar += SIGNS[name].repeat(Math.max(0, until - drawn))
    drawn = until
  }
  return bar
}

/** What the signs stand for. */
export function legend(): string {
  return Object.entries(SIGNS)
    .map(([name, sign]) => `${sign} ${name}`)
    .join('  ')
}

const SIGNS: Record<Ladder['rungs'][number]['name'], string> = {
  loop: '.',
  marshalling: 'm',
  bookkeeping: 'b',
  crossing: 'f',
  entry: 'k',
  import: 'h',
  route: 'r',
  dequeue: 'q',
  device: '=',
  payload: 'p',
  copy: 'c',
}
