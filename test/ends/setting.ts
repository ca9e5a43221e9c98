/** Environment in which cases run. */
export interface Setting {
  /** Path of the node executable. */
  readonly node: string
  /** Number of times each case ends, by its thread. */
  readonly times: { readonly worker: number; readonly main: number }
  /** Number of workers of one process that run, and end, at the same time. */
  readonly atOnce: number
  /** Network namespace with a slow device, or the reason why there is none. */
  readonly slowNetwork: SlowNetwork | string
}

/** A network namespace with a device that sends 1 kB per second. */
export interface SlowNetwork {
  /** Address behind the device. */
  readonly peer: string
  /** Command that runs another command in the namespace. */
  readonly wrapper: readonly string[]
  readonly env: NodeJS.ProcessEnv
  down(): void
}
