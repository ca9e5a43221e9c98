import { libc } from '../libc/libc.js'
import { canPoll, NO_POLL } from '../loop/poll-handle.js'
import type { FeatureStatus } from '../socket/feature-status.js'

/** Returns whether sockets can batch and wait in this process, with the reason. */
export function batchingSupport(): FeatureStatus {
  support ??= find()
  return support
}

function find(): FeatureStatus {
  if (!canPoll) return { available: false, reason: NO_POLL }
  try {
    libc()
    return { available: true, reason: 'Linux, with Koffi' }
  } catch (error) {
    return { available: false, reason: error instanceof Error ? error.message : String(error) }
  }
}

let support: FeatureStatus | undefined
