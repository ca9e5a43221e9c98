import { mean } from 'simple-statistics'
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

interface Resampled {
  readonly estimate: number
  readonly replicates: readonly number[]
}

/**
 * Bootstrap over rounds. All series are resampled together: what slows a whole round affects both sides of a difference, and
 * cancels. Rounds are drawn in runs of neighbours (circular block bootstrap), because neighbours are not independent if the
 * speed drifts.
 */
export class Resampling {
  readonly #columns: ReadonlyMap<string, readonly Column[]>
  readonly #random: Random
  /** Numbers of rounds. */
  readonly #draws: readonly (readonly number[])[]
  readonly #known = new Map<string, Resampled>()

  /** @param columns - by id: one series, or several of the same work in different processes */
  constructor(columns: ReadonlyMap<string, readonly Column[]>, rounds: number, random: Random, replicates = 1000) {
    this.#columns = columns
    this.#random = random
    this.#draws = Array.from({ length: replicates }, () => drawRounds(rounds, random))
  }

  has(id: string): boolean {
    return this.#columns.get(id)?.some((column) => column.some((value) => value !== undefined)) ?? false
  }

  value(id: string): number {
    return this.#of(id).estimate
  }

  /**
   * Returns the interval of a figure that is computed from medians, at 95 %.
   *
   * @example resampling.interval((of) => of('crossing') - of('loop'))
   */
  interval(figure: (of: Lookup) => number): Interval {
    const estimate = figure((id) => this.value(id))
    const replicates = this.#draws.map((_, draw) => figure((id) => this.#of(id).replicates[draw]))
    return percentileInterval(estimate, replicates.filter(Number.isFinite))
  }

  #of(id: string): Resampled {
    const known = this.#known.get(id)
    if (known !== undefined) return known
    const parts = (this.#columns.get(id) ?? []).flatMap((column) => this.#resample(column))
    if (parts.length === 0) throw new NotMeasured(id)
    const made = parts.length === 1 ? parts[0] : this.#pool(parts)
    this.#known.set(id, made)
    return made
  }

  #resample(column: Column): Resampled[] {
    const estimate = medianOf(column)
    if (Number.isNaN(estimate)) return []
    const replicates = this.#draws.map((draw) => {
      const drawn = medianOf(draw.map((round) => column[round]))
      return Number.isNaN(drawn) ? estimate : drawn
    })
    return [{ estimate, replicates }]
  }

  /** Draws processes for each replicate, so that the interval includes the difference between them. */
  #pool(parts: readonly Resampled[]): Resampled {
    const drawn = (draw: number) => parts[Math.floor(this.#random() * parts.length)].replicates[draw]
    const replicates = this.#draws.map((_, draw) => mean(parts.map(() => drawn(draw))))
    return { estimate: mean(parts.map(({ estimate }) => estimate)), replicates }
  }
}

/** Returns NaN if there is no value. */
function medianOf(column: Column): number {
  const sorted = new Float64Array(column.filter((value) => value !== undefined)).sort()
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2
}

/** Runs of neighbouring rounds, as long as the cube root of their number. */
function drawRounds(rounds: number, random: Random): number[] {
  const runLength = Math.max(1, Math.round(rounds ** (1 / 3)))
  let start = 0
  return Array.from({ length: rounds }, (_, at) => {
    if (at % runLength === 0) start = Math.floor(random() * rounds)
    return (start + (at % runLength)) % rounds
  })
}
