import { decimal } from '../../report/format.js'
import type { Interval } from '../statistics/interval.js'

/** Nanoseconds with as many digits as they deserve. */
export function nanoseconds(value: number): string {
  const digits = Math.abs(value) < 9.95 ? 1 : 0
  return decimal(Object.is(Math.round(value * 10), -0) ? 0 : value, digits)
}

/** `1,234 [1,220, 1,251]` in two cells. */
export function intervalCells({ estimate, low, high }: Interval): [string, string] {
  return [nanoseconds(estimate), `[${nanoseconds(low)}, ${nanoseconds(high)}]`]
}

/** A share of 1, signed: `+46.3 % [+45.1 %, +48.6 %]`. */
export function gainText({ estimate, low, high }: Interval): string {
  return `${signed(estimate)} [${signed(low)}, ${signed(high)}]`
}

export function share(value: number): string {
  return `${decimal(value * 100, 1)} %`
}

function signed(value: number): string {
  return `${value < 0 ? '-' : '+'}${share(Math.abs(value))}`
}
