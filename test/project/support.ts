import { execFile } from 'node:child_process'
import { join } from 'node:path'
import type { Test } from 'tap'

/** Root of this repository. */
export const ROOT = join(__dirname, '..', '..')

/** Result of a program. */
export interface Outcome {
  /** The exit status; null if a signal ended it, or if it could not be started. */
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a program to its end as a user would: without the environment that tap passes to child processes. */
export function run(program: string, args: readonly string[], options: { cwd?: string } = {}): Promise<Outcome> {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(_?TAP|TS_NODE|npm_)/.test(name)))
  return new Promise((resolve) => {
    // tap adds its loader to any NODE_OPTIONS it sees; env(1) removes it after tap has added it.
    const command = ['-u', 'NODE_OPTIONS', program, ...args]
    const child = execFile('env', command, { cwd: ROOT, env, maxBuffer: 2 ** 28, ...options }, (_, stdout, stderr) =>
      resolve({ status: child.exitCode, stdout, stderr }),
    )
  })
}

/** Passes if a program ended with status 0; otherwise its output is the diagnosis. */
export function clean(t: Test, { status, stdout, stderr }: Outcome): void {
  if (status === 0) t.pass()
  else t.fail('the program must end with status 0', { status, output: stdout + stderr })
}

/** Path of a command that `npm ci` installed. */
export function installed(command: string): string {
  return join(ROOT, 'node_modules', '.bin', command)
}
