/** CLOCK_MONOTONIC in microseconds, modulo 2^32: the timestamp in a payload header. */
export function monotonicMicroseconds(nowMs = performance.now()): number {
  return (nowMs * 1000 + ORIGIN_MICROSECONDS) >>> 0
}

// performance.now() counts from the start of the process on the same clock; other programs stamp the clock itself.
const ORIGIN_MICROSECONDS = Number(process.hrtime.bigint() / 1000n) - performance.now() * 1000
