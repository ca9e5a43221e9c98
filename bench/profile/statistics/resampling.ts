import { median } from 'simple-statistics'
import type { Random } from '../../workload/random.js'
import { type Interval, percentileInterval } from './interval.js'

/** What was measured of one thing: a value a round, undefined for rounds that have none. */
export type Column = readonly (number | undefined)[]

/** Looks up the value of a thing. */
export type Lookup = (id: string) => number

/**
 * Bootstrap over rounds. All things are resampled together, round by round: what slowed a whole round down slows down
 * both sides of a difference, and drops out of it. Rounds are drawn in runs of neighbours (the circular block bootstrap),
 * so that a drift over some rounds does not pass for so many independent observations.
 */
export class Resampling {
  readonly #columns: ReadonlyMap<string, Column>
  readonly #draws: readonly Int32Array[]
  readonly #confidence: number
  readonly #known = new Map<string, { estimate: number; replicates: Float64Array }>()

  constructor(columns: ReadonlyMap<string, Column>, rounds: number, random: Random, options: ResamplingOptions = {}) {
    const { replicates = 1000, confidence = 0.95, runLength = Math.max(1, Math.round(rounds ** (1 / 3))) } = options
    this.#columns = columns
    this.#confidence = confidence
    this.#draws = Array.from({ length: replicates }, () => drawRounds(rounds, runLength, random))
  }

  has(id: string): boolean {
    return this.#known.has(id) || (this.#columns.get(id)?.some((value) => value !== undefined) ?? false)
  }

  /** The median over the rounds. */
  value(id: string): number {
    return this.#of(id).estimate
  }

  /**
   * The interval of anything that is worked out from the medians.
   *
   * @example resampling.interval((of) => of('crossing') - of('loop'))
   */
  interval(figure: (of: Lookup) => number): Interval {
    const estimate = figure((id) => this.#of(id).estimate)
    const replicates = this.#draws.map((_, draw) => figure((id) => this.#of(id).replicates[draw]))
    return percentileInterval(estimate, replicates.filter(Number.isFinite), this.#confidence)
  }

  /**
   * Makes one thing out of several that were the same work in different processes: the mean of them. Its interval
   * tells how they differ as well, as processes too are drawn anew for each replicate.
   */
  pool(id: string, parts: readonly string[], random: Random): void {
    const present = parts.filter((part) => this.has(part)).map((part) => this.#of(part))
    if (present.length === 0) return
    const meanOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
    const replicates = Float64Array.from(this.#draws, (_, draw) =>
      meanOf(present.map(() => present[Math.floor(random() * present.length)].replicates[draw])),
    )
    this.#known.set(id, { estimate: meanOf(present.map(({ estimate }) => estimate)), replicates })
  }

  #of(id: string): { estimate: number; replicates: Float64Array } {
    const known = this.#known.get(id)
    if (known !== undefined) return known
    const column = this.#columns.get(id)
    const present = column?.filter((value) => value !== undefined) ?? []
    if (column === undefined || present.length === 0) throw new RangeError(`nothing was measured of ${id}`)
    const estimate = median(present)
    const replicates = Float64Array.from(this.#draws, (draw) => medianOfDraw(column, draw) ?? estimate)
    const made = { estimate, replicates }
    this.#known.set(id, made)
    return made
  }
}

/** How to resample. */
export interface ResamplingOptions {
  readonly replicates?: number
  readonly confidence?: number
  /** How many neighbouring rounds are drawn together. */
  readonly runLength?: number
}

function drawRounds(rounds: number, runLength: number, random: Random): Int32Array {
  const draw = new Int32Array(rounds)
  for (let at = 0; at < rounds; at += runLength) {
    const start = Math.floor(random() * rounds)
    for (let step = 0; step < runLength && at + step < rounds; step += 1) draw[at + step] = (start + step) % rounds
  }
  return draw
}

function medianOfDraw(column: Column, draw: Int32Array): number | undefined {
  const values = new Float64Array(draw.length)
  let count = 0
  for (const round of draw) {
    const value = column[round]
    if (value === undefined) continue
    values[count] = value
    count += 1
  }
  if (count === 0) return undefined
  const sorted = values.subarray(0, count).sort()
  const middle = count >> 1
  return count % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}
