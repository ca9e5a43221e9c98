/** Status of a kernel feature: available or not, with the reason. */
export interface FeatureStatus {
  readonly available: boolean
  /** Reason in words: the observed result, or why the feature is unsupported. */
  readonly reason: string
}
