/** Destinations that `profile` can send to. */
export const TARGETS = ['auto', 'sink', 'loopback'] as const

/** What `profile` measures. */
export interface ProfilePlan {
  readonly batch: number
  readonly sizeBytes: number
  readonly isQuick: boolean
  readonly budgetSeconds: number
  /** Required half-width of the interval of the whole sends, as a share. */
  readonly precision: number
  readonly sampleMilliseconds: number
  readonly target: (typeof TARGETS)[number]
  readonly cpu: number | undefined
  readonly isRealTime: boolean
  readonly seed: number
  readonly json: boolean
  readonly quiet: boolean
  readonly html: string | undefined
}
