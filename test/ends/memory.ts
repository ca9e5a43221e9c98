import type { MemorySamples } from '../support/programs/ends-jobs.js'

/**
 * Describes by how much a process grew while workers ended in it. Returns nothing if the growth is within that of
 * Node's own sockets and of Koffi, or if too few workers ended to decide.
 */
export function memoryGrowth({ ended, residentKb, mappings }: MemorySamples): string[] {
  const first = ended.slice(0, GROUP)
  const last = ended.slice(-GROUP)
  if (ended.length < 3 * GROUP || last[0] - first[0] < MIN_ENDED) return []
  const workers = median(last) - median(first)
  const growth = (samples: readonly number[]) => median(samples.slice(-GROUP)) - median(samples.slice(0, GROUP))
  const found: string[] = []
  if (growth(residentKb) > MAX_RESIDENT_KB + workers * KOFFI.residentKb) {
    found.push(`resident memory grew by ${growth(residentKb)} kB while ${workers} workers ended`)
  }
  if (growth(mappings) > workers * (KOFFI.mappings + 0.25)) {
    found.push(`${growth(mappings)} memory mappings more after ${workers} workers ended`)
  }
  return found
}

function median(samples: readonly number[]): number {
  return [...samples].sort((a, b) => a - b)[Math.floor(samples.length / 2)]
}

/** Samples at the beginning and at the end whose medians are compared, because single samples vary by some MB. */
const GROUP = 3

const MIN_ENDED = 60

/** Workers with Node's own sockets make the process grow by up to 6 MB, however many workers end. */
const MAX_RESIDENT_KB = 12 * 1024

/**
 * What Koffi 3 leaves per worker that has made a call: its declarations, and the memory of its calls, a stack of 1 MiB with a
 * guard page and a heap of 2 MiB, of which few pages are resident (`InstanceMemory::Allocate` in its ffi.cc).
 */
const KOFFI = { residentKb: 80, mappings: 3 }
