import { existsSync, mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { extname, join, relative, resolve } from 'node:path'

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
  return readlinkSync('/proc/self/ns/pid').replace(/\D/g, '')
}

export interface Transpiled extends Disposable {
  readonly entry: string
  /** Additional environment: where `require` finds packages. */
  readonly env: NodeJS.ProcessEnv
}

/**
 * Compiles a program and its imports to JavaScript in a temporary folder. It then starts in a tenth of the time, and runs
 * without a compiler's hooks. If this code itself runs as JavaScript, the program is used as it is.
 *
 * @param program - path without extension
 */
export function transpile(program: string): Transpiled {
  if (extname(__filename) === '.js') return { entry: `${program}.js`, env: {}, [Symbol.dispose]: () => {} }
  const ts = require('typescript') as typeof import('typescript')
  const folder = temporaryFolder('code')
  const options = {
    module: ts.ModuleKind.NodeNext,
    target: ts.ScriptTarget.ES2022,
    esModuleInterop: true,
    rootDir: ROOT,
    outDir: folder.path,
    // Types are checked elsewhere.
    noCheck: true,
    noLib: true,
    types: [],
  }
  ts.createProgram([`${program}.ts`], options).emit()
  const entry = join(folder.path, relative(ROOT, `${program}.js`))
  return { ...folder, entry, env: { NODE_PATH: join(ROOT, 'node_modules') } }
}

const ROOT = resolve(__dirname, '../..')
