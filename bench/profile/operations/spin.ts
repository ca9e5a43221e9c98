/** Measures how many turns of `spin` take a nanosecond. */
export function spinsPerNanosecond(): number {
  spin(WARM_TURNS)
  const costs = Array.from({ length: TRIES }, () => {
    const start = process.hrtime.bigint()
    spin(TRY_TURNS)
    return Number(process.hrtime.bigint() - start)
  })
  // The fastest: a disturbance only adds time.
  return TRY_TURNS / Math.min(...costs)
}

/** Keeps the processor busy. Each turn depends on the one before, so none is optimized away or overlapped. */
export function spin(turns: number): void {
  let value = state | 1
  for (let turn = 0; turn < turns; turn += 1) value = Math.imul(value ^ (value >>> 15), 0x2c1b3c6d)
  state = value
}

let state = 1
const WARM_TURNS = 200_000
const TRY_TURNS = 100_000
const TRIES = 50
