/** CLOCK_MONOTONIC in microseconds, modulo 2^32: the timestamp in a payload header. */
export function monotonicMicroseconds(nowMs = performance.now()): number {
  return (nowMs * 1000 + ORIGIN_MICROSECONDS) >>> 0
}

// performance.now() counts from the start of the process on the same clock; other programs stamp the clock itself. The
// first readings take long, and the time between the two makes the difference too large: the smallest is the best.
const ORIGIN_MICROSECONDS = Math.min(
  ...Array.from({ length: 5 }, () => {
    const sinceStart = performance.now() * 1000
    return Number(process.hrtime.bigint()) / 1000 - sinceStart
  }),
)
