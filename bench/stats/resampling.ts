import { median } from 'simple-statistics'
import { type Interval, percentileInterval } from './interval.js'
import type { Random } from './random.js'

/** A measured series: one value per round, undefined for rounds without one. */
export type Column = readonly (number | undefined)[]

export type Lookup = (id: string) => number

/** A series that a figure requires has no values. */
export class NotMeasured extends RangeError {
  constructor(id: string) {
    super(`nothing was measured of ${id}`)
  }
}

/**
 * Bootstrap over rounds. All series are resampled together: what slows a whole round affects both sides of a difference, and
 * cancels. Rounds are drawn in runs of neighbours (circular block bootstrap), because neighbours are not independent if the
 * speed drifts.
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

  value(id: string): number {
    return this.#of(id).estimate
  }

  /**
   * Returns the interval of a figure that is computed from medians.
   *
   * @example resampling.interval((of) => of('crossing') - of('loop'))
   */
  interval(figure: (of: Lookup) => number): Interval {
    const estimate = figure((id) => this.#of(id).estimate)
    const replicates = this.#draws.map((_, draw) => figure((id) => this.#of(id).replicates[draw]))
    return percentileInterval(estimate, replicates.filter(Number.isFinite), this.#confidence)
  }

  /**
   * Combines several series of the same work in different processes: their mean. Processes are drawn for each replicate, so
   * that the interval includes the difference between processes.
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
    if (column === undefined || present.length === 0) throw new NotMeasured(id)
    const estimate = median(present)
    const medians = new DrawnMedians(column)
    const replicates = Float64Array.from(this.#draws, (draw) => medians.of(draw) ?? estimate)
    const made = { estimate, replicates }
    this.#known.set(id, made)
    return made
  }
}

export interface ResamplingOptions {
  readonly replicates?: number
  readonly confidence?: number
  /** Number of neighbouring rounds that are drawn together. */
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

/** Medians of a series in draws of its rounds: the values are sorted once, and each draw only counts them. */
class DrawnMedians {
  readonly #sorted: readonly number[]
  /** Place of each round's value among the sorted ones; -1 for a round without a value. */
  readonly #places: Int32Array
  readonly #counts: Uint32Array

  constructor(column: Column) {
    const present = [...column.keys()].filter((round) => column[round] !== undefined)
    const order = present.sort((a, b) => (column[a] ?? 0) - (column[b] ?? 0))
    this.#sorted = order.map((round) => column[round] ?? 0)
    this.#places = new Int32Array(column.length).fill(-1)
    for (const [place, round] of order.entries()) this.#places[round] = place
    this.#counts = new Uint32Array(order.length)
  }

  /** Returns undefined if no drawn round has a value. */
  of(draw: Int32Array): number | undefined {
    this.#counts.fill(0)
    let count = 0
    for (const round of draw) {
      const place = this.#places[round] ?? -1
      if (place < 0) continue
      this.#counts[place] += 1
      count += 1
    }
    if (count === 0) return undefined
    const upper = this.#valueAt(count >> 1)
    return count % 2 === 1 ? upper : (this.#valueAt((count >> 1) - 1) + upper) / 2
  }

  /** Returns the value with this index among the drawn ones in their order. */
  #valueAt(index: number): number {
    let place = 0
    for (let before = this.#counts[0]; before <= index; before += this.#counts[place]) place += 1
    return this.#sorted[place]
  }
}
