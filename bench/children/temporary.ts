import { existsSync, mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Makes a temporary folder, and returns its path. Its name contains this process's id, so that a later run can remove it. */
export function temporaryFolder(kind: string): string {
  return mkdtempSync(join(tmpdir(), `${PREFIX}${kind}-${pidNamespace()}-${process.pid}-`))
}

/** Removes a temporary folder. */
export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true })
}

/** Removes the temporary folders of processes that were killed (SIGKILL). */
export function sweepFolders(): void {
  for (const name of readdirSync(tmpdir())) {
    const [, namespace, pid] = /^batchconn-bench-[a-z]+-(\d+)-(\d+)-/.exec(name) ?? []
    if (namespace !== pidNamespace() || isAlive(Number(pid))) continue
    try {
      removeFolder(join(tmpdir(), name))
    } catch {
      // Another user's folder.
    }
  }
}

/** Returns whether a process of this PID namespace exists. */
export function isAlive(pid: number): boolean {
  return existsSync(`/proc/${pid}`)
}

// Process ids mean nothing to another container that shares the temporary folder.
function pidNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid').replace(/\D/g, '')
  } catch {
    return '0'
  }
}

const PREFIX = 'batchconn-bench-'
