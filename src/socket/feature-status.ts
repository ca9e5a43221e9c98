/** Status of a kernel feature: available or not, with the reason. */
export interface FeatureStatus {
  readonly available: boolean
  /** Reason in words: the observed result, or why the feature is unsupported. */
  readonly reason: string
}

/** Returns the status of an unavailable feature. */
export function off(reason: string): FeatureStatus {
  return { available: false, reason }
}

/** Returns true if an environment variable is set, and not to 0. */
export function isSet(name: string): boolean {
  const value = process.env[name]
  return value !== undefined && value !== '' && value !== '0'
}
