import { median } from 'simple-statistics'
import type { Sender } from './sender.js'

/**
 * What making one datagram ready costs, in nanoseconds: the median of blocks long enough for the clock, with no system
 * call in them.
 */
export function measurePreparation(sender: Sender, durationMs = 100): number {
  const batches = Math.ceil(BLOCK_PACKETS / sender.packetsPerBatch)
  const blocksMs: number[] = []
  sender.begin(1)
  let startMs = performance.now()
  for (const endMs = startMs + durationMs; startMs < endMs; ) {
    for (let batch = 0; batch < batches; batch += 1) sender.prepare()
    const nowMs = performance.now()
    blocksMs.push(nowMs - startMs)
    startMs = nowMs
  }
  return (median(blocksMs) * 1e6) / (batches * sender.packetsPerBatch)
}

const BLOCK_PACKETS = 4096
