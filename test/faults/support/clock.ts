/**
 * Advances all clocks of this process, for limits that expire after a time a test cannot wait for. Timers are not
 * affected.
 */
export class MovableClock {
  #offsetMs = 0
  readonly #restore: () => void

  constructor() {
    const { now } = performance
    const { now: dateNow } = Date
    const { hrtime } = process
    performance.now = () => now.call(performance) + this.#offsetMs
    Date.now = () => dateNow() + this.#offsetMs
    const bigint = () => hrtime.bigint() + BigInt(this.#offsetMs) * 1_000_000n
    const shifted = (previous?: [number, number]): [number, number] => {
      const [seconds, nanoseconds] = hrtime(previous)
      return [seconds + (previous === undefined ? Math.trunc(this.#offsetMs / 1000) : 0), nanoseconds]
    }
    process.hrtime = Object.assign(shifted, { bigint })
    this.#restore = () => {
      performance.now = now
      Date.now = dateNow
      process.hrtime = hrtime
    }
  }

  advance(ms: number): void {
    this.#offsetMs += ms
  }

  [Symbol.dispose](): void {
    this.#restore()
  }
}
