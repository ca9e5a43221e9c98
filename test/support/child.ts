import { spawn } from 'node:child_process'
import { compiledProgram } from './compiled.js'

/** Result of a child process. */
export interface ChildResult {
  /** The exit code; null if a signal ended it. */
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
  /** True if it was killed at the timeout. */
  readonly timedOut: boolean
}

/** How a child is started. */
export interface ChildOptions {
  /** Flags for node, for example `--expose-gc`. */
  readonly flags?: readonly string[]
  readonly args?: readonly string[]
  /** A program that runs node, with its arguments: for example strace. */
  readonly wrapper?: readonly string[]
  /** Path of another node than the one that runs the tests. */
  readonly node?: string
  /** Timeout in ms, after which it is killed. */
  readonly timeoutMs?: number
}

/**
 * Runs a program of `programs/` in its own process, for code that ends, blocks or corrupts a process, and for node
 * flags.
 */
export function runChild(name: string, options: ChildOptions = {}): Promise<ChildResult> {
  const program = [...(options.wrapper ?? []), options.node ?? process.execPath, ...(options.flags ?? [])]
  // tap adds a loader to NODE_OPTIONS, whose allocations and handles would count as the child's.
  const nodeOptions = `NODE_OPTIONS=${process.env.BATCHCONN_CHILD_NODE_OPTIONS ?? ''}`
  const child = spawn('env', [nodeOptions, ...program, compiledProgram(name), ...(options.args ?? [])], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text) => {
    output.stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text) => {
    output.stderr += text
  })
  return new Promise((resolve, reject) => {
    let timedOut = false
    const timer = setTimeout(() => {
      timedOut = true
      child.kill('SIGKILL')
    }, options.timeoutMs ?? 30_000)
    child.once('error', reject)
    child.once('close', (code, signal) => {
      clearTimeout(timer)
      resolve({ code, signal, timedOut, ...output })
    })
  })
}

/** Runs a program that prints one JSON value and must end with status 0. */
export async function childJson<T>(name: string, options?: ChildOptions): Promise<T> {
  const { code, signal, stdout, stderr } = await runChild(name, options)
  if (code !== 0) throw new Error(`${name} ended with ${code ?? signal}: ${stderr}`)
  return JSON.parse(stdout) as T
}
