import type { Receiver } from '../runner/receiver.js'
import { gigabits, whole } from './format.js'
import type { Progress } from './progress.js'

/**
 * Says what arrives, an interval at a time, as long as something does.
 *
 * @returns a function that ends it
 */
export function receiveProgress({ counts }: Receiver, progress: Progress, intervalSeconds: number): () => void {
  if (intervalSeconds === 0) return () => {}
  const startMs = performance.now()
  let last = { nowMs: startMs, datagrams: counts.datagrams, bytes: counts.bytes }
  const timer = setInterval(() => {
    const nowMs = performance.now()
    const seconds = (nowMs - last.nowMs) / 1000
    const datagrams = counts.datagrams - last.datagrams
    if (datagrams > 0) {
      const rate = `${whole(datagrams / seconds)} packets/s, ${gigabits(((counts.bytes - last.bytes) * 8) / seconds)} Gbit/s`
      progress.say(`${((nowMs - startMs) / 1000).toFixed(1)} s: ${rate}`)
    }
    last = { nowMs, datagrams: counts.datagrams, bytes: counts.bytes }
  }, intervalSeconds * 1000)
  return () => clearInterval(timer)
}
