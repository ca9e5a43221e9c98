import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { extname, join } from 'node:path'
import { Failure } from '../cli/run-command.js'
import { Mailbox } from './mailbox.js'
import type { Transpiled } from './temporary.js'

export interface ChildPlan {
  /** A transpiled program, or the path without extension of one that runs as this process does: TypeScript or JavaScript. */
  readonly program: Transpiled | string
  readonly words?: readonly string[]
  /** What to put before the command, such as a namespace to run in. */
  readonly wrapper?: readonly string[]
  readonly cpu?: number | undefined
  readonly nodeFlags?: readonly string[]
  readonly env?: NodeJS.ProcessEnv
}

/** A child process that exchanges messages with this one. It ends with this process, even if that is killed. */
export type Child = ReturnType<typeof startChild>

/** @param name - for error messages: "the worker send" */
export function startChild(
  name: string,
  { program, words = [], wrapper = [], cpu, nodeFlags = [], env = process.env }: ChildPlan,
) {
  const isTranspiled = typeof program !== 'string'
  const extension = extname(__filename)
  const loader = extension === '.ts' && !isTranspiled ? ['-r', require.resolve('ts-node/register')] : []
  const script = [...loader, isTranspiled ? program.entry : `${program}${extension}`]
  const pin = cpu === undefined ? [] : ['taskset', '-c', String(cpu)]
  const [command, ...rest] = [...pin, ...wrapper, process.execPath, ...nodeFlags, ...script, ...words]
  const child = spawn(command, rest, {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    // Outside the terminal's process group: Ctrl-C reaches this process only, which ends its children in order.
    detached: true,
    env: isTranspiled
      ? { ...env, ...program.env, NODE_OPTIONS: '', NODE_NO_WARNINGS: '1' }
      : { ...env, TS_NODE_PROJECT: join(__dirname, '../../tsconfig.json') },
  })
  const messages = new Mailbox<unknown>()
  const fail = (reason: string) => messages.end(new Failure(`${name} ${reason}`))
  child.on('message', (message) => messages.push(message))
  child.on('error', ({ message }) => fail(`did not start: ${message}`))
  child.on('exit', (code, signal) => fail(`ended without an answer (${signal ?? `exit status ${code}`})`))
  /** Returns the child's next message. @throws Failure if the child ends before; or the signal's reason */
  const next = (signal?: AbortSignal, timeoutMs = DEFAULT_TIMEOUT_MS): Promise<unknown> =>
    messages.next(timeoutMs, new Failure(`${name} did not answer in time`), signal)
  return {
    pid: child.pid ?? 0,
    next,
    ask(message: object, signal?: AbortSignal): Promise<unknown> {
      // An error means that the child has ended, which `next` reports.
      child.send(message, () => {})
      return next(signal)
    },
    /** Ends the child: by closing the channel, after 2 s by SIGKILL. */
    async [Symbol.asyncDispose](): Promise<void> {
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
      await end(child, () => child.connected && child.disconnect())
      clearTimeout(timer)
    },
  }
}

/** Ends a process, unless it has ended, and waits for that. */
export async function end(child: ChildProcess, stop: () => unknown): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
  const gone = once(child, 'exit')
  stop()
  await gone
}

/** Sends a message to the parent process. It is dropped if the parent has ended. */
export function sendToParent(message: object): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => {})
}

/** Ends this process when its parent has ended, for whatever reason: the channel between them is closed then. */
export function exitWithParent(): void {
  if (!process.connected) process.exit(0)
  process.once('disconnect', () => process.exit(0))
}

/** Compiling and starting takes seconds on a busy machine; a sample with a million kept datagrams takes longer. */
const DEFAULT_TIMEOUT_MS = 600_000
const STOP_MS = 2000
