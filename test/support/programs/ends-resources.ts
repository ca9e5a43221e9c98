import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** Resources of a process: each open descriptor with its target, and the number of threads. */
export interface Resources {
  readonly descriptors: ReadonlyMap<string, string>
  readonly threads: number
}

/** Returns the current resources of this process. */
export function resources(): Resources {
  const descriptors = new Map<string, string>()
  for (const fd of readdirSync('/proc/self/fd')) {
    try {
      descriptors.set(fd, readlinkSync(`/proc/self/fd/${fd}`))
    } catch {
      // Descriptor of the listing itself.
    }
  }
  return { descriptors, threads: readdirSync('/proc/self/task').length }
}

/**
 * Compares the resources with earlier ones, repeatedly while a difference may still disappear.
 *
 * @returns the differences, one per line; empty if there are none
 */
export async function differences(before: Resources): Promise<string[]> {
  let found = compare(before, resources())
  for (let waits = 0; found.length > 0 && waits < 100; waits += 1) {
    await sleep(20)
    found = compare(before, resources())
  }
  return found
}

/** Resident memory of the process in kB, not only the JavaScript heap. */
export function residentKb(): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1])
}

/** Number of memory mappings of the process. */
export function mappings(): number {
  return readFileSync('/proc/self/maps', 'utf8').split('\n').length - 1
}

function compare(before: Resources, after: Resources): string[] {
  const found: string[] = []
  const added = new Map<string, number>()
  for (const [fd, target] of after.descriptors) {
    const previous = before.descriptors.get(fd)
    if (previous === undefined) added.set(kindOf(target), (added.get(kindOf(target)) ?? 0) + 1)
    else if (previous !== target) found.push(`descriptor ${fd} was ${previous}, is ${target}`)
  }
  for (const [fd, target] of before.descriptors) {
    if (!after.descriptors.has(fd)) found.push(`descriptor ${fd} (${target}) was closed`)
  }
  for (const [kind, count] of added) found.push(`${count} descriptors left open: ${kind}`)
  const threads = after.threads - before.threads
  if (threads > MAX_MORE_THREADS) found.push(`${threads} threads more than before`)
  return found
}

/** Target without its inode number. */
function kindOf(target: string): string {
  return target.replace(/:\[\d+\]$/, '')
}

/** Node starts some threads when they are first required. */
const MAX_MORE_THREADS = 2
