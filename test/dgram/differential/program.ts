import { spawn } from 'node:child_process'
import { join, relative, sep } from 'node:path'
import { compiledPackage } from '../../support/compiled.js'
import type { AnyFunction } from './types.js'

/** End of a process and its output. */
export interface ChildEnd {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string[]
  /** First line of the error that ended the process, if there is one. */
  readonly error: string | undefined
}

/**
 * Runs a function in its own process. Its arguments are the module's exports and path, then further ones as JSON. It
 * cannot use variables of the scope it was written in.
 */
export function runProgram(
  source: AnyFunction,
  modulePath: string,
  further: readonly unknown[] = [],
): Promise<ChildEnd> {
  const path = runnable(modulePath)
  const args = [path, ...further].map((value) => JSON.stringify(value)).join(', ')
  const text = `(${source})(require(${JSON.stringify(path)}), ${args})`
  const child = spawn(process.execPath, ['--no-deprecation', '-e', text], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  const output = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text) => {
    output.stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text) => {
    output.stderr += text
  })
  const timer = setTimeout(() => child.kill('SIGKILL'), PROGRAM_TIMEOUT_MS)
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      clearTimeout(timer)
      const error = output.stderr.split('\n').find((line) => /^(Uncaught )?\w*Error\b/.test(line))
      resolve({ code, signal, stdout: output.stdout.split('\n').filter(Boolean), error })
    })
  })
}

/** Returns a path that `require` can load without a compiler: for a source file of this package, the compiled file. */
export function runnable(modulePath: string): string {
  if (!modulePath.endsWith('.ts')) return modulePath
  const inside = relative(ROOT, modulePath)
  if (inside.startsWith(`src${sep}`)) return join(COMPILED, inside.replace(/\.ts$/, '.js'))
  throw new Error(`${modulePath} is not below src/: compile it first`)
}

const PROGRAM_TIMEOUT_MS = 5_000

const ROOT = join(__dirname, '../../..')

// Before the first case: it can take seconds, and the cases have time limits.
const COMPILED = compiledPackage()
