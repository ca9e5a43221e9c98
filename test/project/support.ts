import { execFile } from 'node:child_process'
import { join } from 'node:path'
import type { Test } from 'tap'

/** The root of this repository. */
export const ROOT = join(__dirname, '..', '..')

/** What a program left behind. */
export interface Outcome {
  /** The exit status; null if a signal ended it, or if it could not be started. */
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a program to its end as a user would: without the settings tap hands on to everything a test starts. */
export function run(program: string, args: readonly string[], options: { cwd?: string } = {}): Promise<Outcome> {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(_?TAP|TS_NODE|npm_)/.test(name)))
  return new Promise((resolve) => {
    // tap puts its loader back into any NODE_OPTIONS it sees being passed; env(1) takes it out behind its back.
    const command = ['-u', 'NODE_OPTIONS', program, ...args]
    const child = execFile('env', command, { cwd: ROOT, env, maxBuffer: 2 ** 28, ...options }, (_, stdout, stderr) =>
      resolve({ status: child.exitCode, stdout, stderr }),
    )
  })
}

/** Passes if a program ended well; if not, its output is the diagnosis. */
export function clean(t: Test, { status, stdout, stderr }: Outcome): void {
  if (status === 0) t.pass()
  else t.fail('it should end with status 0', { status, output: stdout + stderr })
}

/** The path of a command that `npm ci` installed here. */
export function installed(command: string): string {
  return join(ROOT, 'node_modules', '.bin', command)
}
