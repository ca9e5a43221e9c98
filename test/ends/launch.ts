import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { compiledProgram } from '../support/compiled.js'
import type { ProcessEnd } from '../support/programs/ends-endings.js'

/** How a program of `test/support/programs/` is started. */
export interface LaunchOptions {
  /** Path of the node executable. */
  readonly node: string
  readonly argument: unknown
  /** A wrapper command, for example one that enters a network namespace, and the environment it requires. */
  readonly wrapper?: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  /** Milliseconds without output after which the process is killed. */
  readonly silenceMs: number
  readonly onLine?: (line: string, child: ChildProcess) => void
}

/** End of a process, with its stderr (the last part, if that is long). */
export interface LaunchedEnd extends Required<ProcessEnd> {
  /** True if it was killed because it printed nothing and did not end for `silenceMs`. */
  readonly isHung: boolean
}

/** Runs a program in its own process. `onLine` gets that process too, so that it can send signals to it. */
export function launch(program: string, options: LaunchOptions): Promise<LaunchedEnd> {
  const { node, argument, wrapper = [], onLine } = options
  const command = ['--unset=NODE_OPTIONS', ...wrapper, node, compiledProgram(program), JSON.stringify(argument)]
  // env(1) and the wrappers replace themselves (exec), so the process id is that of node.
  const child = spawn('env', command, { env: options.env ?? process.env, stdio: ['ignore', 'pipe', 'pipe'] })
  endWithThisProcess(child)
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr = (stderr + text).slice(-MAX_STDERR)
  })
  return new Promise((resolve, reject) => {
    let isHung = false
    const timer = setTimeout(() => {
      isHung = true
      child.kill('SIGKILL')
    }, options.silenceMs)
    createInterface({ input: child.stdout }).on('line', (line) => {
      timer.refresh()
      onLine?.(line, child)
    })
    child.once('error', reject)
    child.once('close', (code, signal) => {
      clearTimeout(timer)
      resolve({ code, signal, isHung, stderr })
    })
  })
}

/** Describes in one line how a process ended. */
export function describeEnd({ code, signal, isHung, stderr }: LaunchedEnd): string {
  if (isHung) return 'the process hung'
  const complaint = COMPLAINT.exec(stderr)?.[0].trim()
  return `the process ended with ${signal ?? `exit code ${code}`}${complaint === undefined ? '' : ` (${complaint})`}`
}

function endWithThisProcess(child: ChildProcess): void {
  if (running.size === 0) process.once('exit', killAll)
  running.add(child)
  child.once('close', () => {
    running.delete(child)
    if (running.size === 0) process.off('exit', killAll)
  })
}

function killAll(): void {
  for (const child of running) child.kill('SIGKILL')
}

const running = new Set<ChildProcess>()

const COMPLAINT = /^.*(?:FATAL|Assertion|Error\b.*:|Segmentation).*$/m

const MAX_STDERR = 20_000
