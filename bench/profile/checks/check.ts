/** What a look from another side says about a figure. */
export interface CrossCheck {
  readonly name: string
  /** With what: `strace -c`, `perf record`, `getrusage`. */
  readonly by: string
  /** `unavailable`: it could not be had here. */
  readonly verdict: 'agrees' | 'disagrees' | 'unavailable'
  /** In words, with the numbers of both sides, or why there are none. */
  readonly text: string
  /** Grouped shares, for `perf`. */
  readonly shares?: Readonly<Record<string, number>>
}
