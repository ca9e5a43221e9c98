import { libc } from '../libc/libc.js'
import type { OffloadStatus } from '../socket/segmentation-offload.js'

/** Whether batching can be had in this process at all, and why not. */
export function batchingSupport(): OffloadStatus {
  support ??= find()
  return support
}

function find(): OffloadStatus {
  // On Bun, making a poll aborts the process.
  if (process.versions.bun !== undefined) return { state: 'off', reason: 'Bun has no poll that works' }
  try {
    libc()
    return { state: 'on', reason: 'Linux, with Koffi' }
  } catch (error) {
    return { state: 'off', reason: error instanceof Error ? error.message : String(error) }
  }
}

let support: OffloadStatus | undefined
