import { libc } from '../libc/libc.js'
import type { FeatureStatus } from '../socket/feature-status.js'

/** Returns the status of batching in this process: supported or not, with the reason. */
export function batchingSupport(): FeatureStatus {
  support ??= find()
  return support
}

function find(): FeatureStatus {
  // On Bun, creating a poll handle (uv_poll) aborts the process.
  if (process.versions.bun !== undefined) return { available: false, reason: 'Bun has no poll that works' }
  try {
    libc()
    return { available: true, reason: 'Linux, with Koffi' }
  } catch (error) {
    return { available: false, reason: error instanceof Error ? error.message : String(error) }
  }
}

let support: FeatureStatus | undefined
