import { existsSync, mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Makes a temporary folder. Its name contains this process's id, so that a later run can remove it. */
export function temporaryFolder(kind: string) {
  const path = mkdtempSync(join(tmpdir(), `batchconn-bench-${kind}-${pidNamespace()}-${process.pid}-`))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

/** Removes the temporary folders of processes that were killed (SIGKILL). */
export function sweepFolders(): void {
  for (const name of readdirSync(tmpdir())) {
    const [, namespace, pid] = /^batchconn-bench-[a-z]+-(\d+)-(\d+)-/.exec(name) ?? []
    if (namespace !== pidNamespace() || isAlive(Number(pid))) continue
    try {
      rmSync(join(tmpdir(), name), { recursive: true, force: true })
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
