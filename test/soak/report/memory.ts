import type { Descriptors, Sample } from '../traffic/protocol.js'
import { type Trend, trendOf } from './trend.js'

/** Kinds of memory that are sampled. */
export const MEMORY_KINDS = ['rss', 'heapUsed', 'external', 'arrayBuffers'] as const

/** Growth of one kind of memory of one process. */
export interface MemoryTrend {
  readonly process: string
  readonly kind: (typeof MEMORY_KINDS)[number]
  readonly trend: Trend
  /** Seconds covered by the fit. */
  readonly seconds: number
}

/** Returns the memory trends of a process without the warm-up; empty if there are too few samples. */
export function memoryTrends(process: string, samples: readonly Sample[]): MemoryTrend[] {
  const settled = samples.slice(Math.ceil(samples.length * WARM_UP))
  if (settled.length < MIN_SAMPLES) return []
  const seconds = settled[settled.length - 1].seconds - settled[0].seconds
  return MEMORY_KINDS.map((kind) => {
    const trend = trendOf(settled.map((sample) => [sample.seconds, sample[kind]]))
    return { process, kind, trend, seconds }
  })
}

/**
 * Reports growth if, with 99 % confidence, the memory rises by more than `BOUND_BYTES` over the measured time. The
 * longer the run, the smaller the permitted slope.
 *
 * @param workers - number of workers that the process has terminated
 */
export function memoryViolations(trends: readonly MemoryTrend[], workers: number): string[] {
  return trends.flatMap(({ process, kind, trend, seconds }) => {
    const least = (trend.slope - trend.margin) * seconds
    const allowed = BOUND_BYTES[kind] + (kind === 'rss' ? workers * BYTES_PER_WORKER : 0)
    if (least <= allowed) return []
    const grown = `grew by at least ${mebibytes(least)} MiB in ${seconds.toFixed(0)} s (99 % confidence)`
    return [`process ${process}: ${kind} ${grown}, and ${mebibytes(allowed)} MiB are allowed`]
  })
}

/** Returns the descriptors that a process has at the end and did not have at the start. */
export function descriptorViolations(process: string, { before, after }: Descriptors): string[] {
  if (before.length === after.length) return []
  const left = [...after]
  for (const name of before) {
    const at = left.indexOf(name)
    if (at >= 0) left.splice(at, 1)
  }
  const counts = `${after.length} descriptors at the end, and ${before.length} at the start`
  return [`process ${process}: ${counts}: ${left.slice(0, 5).join(', ')}`]
}

export function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(2)
}

const WARM_UP = 0.5
const MIN_SAMPLES = 6

/**
 * Koffi does not release all memory of a worker that ends: 30 KiB if it is only loaded, 55 KiB with its declarations.
 */
const BYTES_PER_WORKER = 56 << 10

// RSS also contains the pages that a large datagram touches for the first time, memory kept by malloc, and running
// workers.
const BOUND_BYTES = { rss: 16 << 20, heapUsed: 3 << 20, external: 3 << 20, arrayBuffers: 3 << 20 } as const
