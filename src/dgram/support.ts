import { libc } from '../libc/libc.js'
import type { FeatureStatus } from '../socket/feature-status.js'

/** Whether batching can be had in this process at all, and why not. */
export function batchingSupport(): FeatureStatus {
  support ??= find()
  return support
}

function find(): FeatureStatus {
  // On Bun, making a poll aborts the process.
  if (process.versions.bun !== undefined) return { available: false, reason: 'Bun has no poll that works' }
  try {
    libc()
    return { available: true, reason: 'Linux, with Koffi' }
  } catch (error) {
    return { available: false, reason: error instanceof Error ? error.message : String(error) }
  }
}

let support: FeatureStatus | undefined
