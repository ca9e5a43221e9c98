import { spawn } from 'node:child_process'

/** Result of a program. */
export interface Outcome {
  /** The exit status; null if a signal ended it, or if it could not be started. */
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** How a program is run. */
export interface RunOptions {
  readonly cwd: string
  /** Additional environment variables. */
  readonly env?: Readonly<Record<string, string>>
  /** Time limit in ms, default five minutes. */
  readonly timeoutMs?: number
}

/** Runs a program to its end, as a user would: without the variables of npm, tap and ts-node that this process has. */
export function run(program: string, args: readonly string[], { cwd, env, timeoutMs }: RunOptions): Promise<Outcome> {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(_?TAP|TS_NODE|npm_)/.test(name))
  // In a test tap adds its loader to the NODE_OPTIONS of any program; env(1) removes it after that.
  const child = spawn('env', ['-u', 'NODE_OPTIONS', program, ...args], {
    cwd,
    env: { ...Object.fromEntries(inherited), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: timeoutMs ?? 300_000,
    killSignal: 'SIGKILL',
  })
  const output = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text) => {
      output[name] += text
    })
  }
  return new Promise((resolve) => {
    child.once('error', ({ message }) => resolve({ status: null, stdout: '', stderr: message }))
    child.once('close', (status) => resolve({ status, ...output }))
  })
}

/**
 * Runs a program that must end with status 0.
 *
 * @returns its standard output
 * @throws Error with its output
 */
export async function succeed(program: string, args: readonly string[], options: RunOptions): Promise<string> {
  const { status, stdout, stderr } = await run(program, args, options)
  if (status !== 0) throw new Error(`${[program, ...args].join(' ')} ended with ${status}\n${stdout}${stderr}`)
  return stdout
}
