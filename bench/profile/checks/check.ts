/** A comparison of a figure with an independent source. */
export interface CrossCheck {
  readonly name: string
  /** The source: `strace -c`, `perf record`, `getrusage`, `clock_gettime`. */
  readonly by: string
  readonly verdict: 'agrees' | 'disagrees' | 'unavailable'
  /** The numbers of both sides, or why there are none. */
  readonly text: string
  /** Shares by group, for `perf`. */
  readonly shares?: Readonly<Record<string, number>>
}
