import { median } from 'simple-statistics'
import type { Sender } from './sender.js'

/**
 * Measures the cost of preparing one datagram in nanoseconds, without system calls: the median of samples that are long
 * enough for the clock.
 */
export function measurePreparation(sender: Sender, durationMs = 100): number {
  const batches = Math.ceil(SAMPLE_PACKETS / sender.packetsPerBatch)
  const samplesMs: number[] = []
  sender.begin(1)
  let startMs = performance.now()
  for (const endMs = startMs + durationMs; startMs < endMs; ) {
    for (let batch = 0; batch < batches; batch += 1) sender.prepare()
    const nowMs = performance.now()
    samplesMs.push(nowMs - startMs)
    startMs = nowMs
  }
  return (median(samplesMs) * 1e6) / (batches * sender.packetsPerBatch)
}

const SAMPLE_PACKETS = 4096
