/** Where datagrams are sent to: what runs a worker there, and an address that takes all. */
export interface Place {
  readonly name: 'sink' | 'sink-cutting' | 'loopback'
  readonly wrapper: readonly string[]
  readonly env: NodeJS.ProcessEnv
  readonly to: { readonly address: string; readonly port: number }
}

/** The places of a run, and what they mean for its figures. */
export interface Places {
  /** Where most cases send. */
  readonly main: Place
  /** The same, where the kernel has to cut trains itself; undefined where that cannot be had. */
  readonly cutting: Place | undefined
  /** In words: which it is, why, and what that changes. */
  readonly explanation: string
  close(): void
}
