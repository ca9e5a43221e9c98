/** Whether a feature of the kernel is used or available. */
export interface FeatureStatus {
  readonly available: boolean
  /** The reason in words: what was tried and seen, or what prevents it. */
  readonly reason: string
}
