import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { extname, join } from 'node:path'
import { Failure } from '../cli/run-command.js'
import { waitForWake } from '../cli/time-limit.js'
import type { Transpiled } from './transpile.js'

/** How to start a child process. */
export interface ChildPlan {
  /** A transpiled program, or the path without extension of one that runs as this process does: TypeScript or JavaScript. */
  readonly program: Transpiled | string
  readonly words?: readonly string[]
  /** What to put before the command: a namespace to run in, a processor to run on. */
  readonly wrapper?: readonly string[]
  readonly nodeFlags?: readonly string[]
  readonly env?: NodeJS.ProcessEnv
}

/** A child process that exchanges messages with this one. It ends with this process, even if that is killed. */
export class Child {
  readonly #name: string
  readonly #process: ChildProcess
  readonly #messages: unknown[] = []
  #failure: Failure | undefined
  #wake: () => void = () => {}

  /** @param name - for error messages: "the worker send" */
  constructor(name: string, { program, words = [], wrapper = [], nodeFlags = [], env = process.env }: ChildPlan) {
    this.#name = name
    const isTranspiled = typeof program !== 'string'
    const script = isTranspiled ? [program.entry] : sameRuntime(program)
    const [command, ...rest] = [...wrapper, process.execPath, ...nodeFlags, ...script, ...words]
    const child = spawn(command, rest, {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      // Outside the terminal's process group: Ctrl-C reaches this process only, which ends its children in order.
      detached: true,
      env: isTranspiled
        ? { ...env, ...program.env, NODE_OPTIONS: '', NODE_NO_WARNINGS: '1' }
        : { ...env, TS_NODE_PROJECT: join(__dirname, '../../tsconfig.json') },
    })
    this.#process = child
    child.on('message', (message) => {
      this.#messages.push(message)
      this.#wake()
    })
    child.on('error', ({ message }) => this.#fail(`did not start: ${message}`))
    child.on('exit', (code, signal) => this.#fail(`ended without an answer (${signal ?? `exit status ${code}`})`))
  }

  get pid(): number {
    return this.#process.pid ?? 0
  }

  /** Returns the child's next message. @throws Failure if the child ends before; or the signal's reason */
  async next(signal?: AbortSignal, timeoutMs = DEFAULT_TIMEOUT_MS): Promise<unknown> {
    const deadlineMs = performance.now() + timeoutMs
    while (this.#messages.length === 0) {
      signal?.throwIfAborted()
      if (this.#failure !== undefined) throw this.#failure
      const leftMs = deadlineMs - performance.now()
      if (leftMs <= 0) throw new Failure(`${this.#name} did not answer in time`)
      await waitForWake(leftMs, signal, (wake) => {
        this.#wake = wake
      })
    }
    return this.#messages.shift()
  }

  /** Sends a message, and returns the answer. */
  ask(message: object, signal?: AbortSignal): Promise<unknown> {
    // An error means that the child has ended, which `next` reports.
    this.#process.send(message, () => {})
    return this.next(signal)
  }

  /** Ends the child: by closing the channel, after 2 s by SIGKILL. */
  async stop(): Promise<void> {
    const child = this.#process
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
    const gone = once(child, 'exit')
    if (child.connected) child.disconnect()
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
    await gone
    clearTimeout(timer)
  }

  #fail(reason: string): void {
    this.#failure ??= new Failure(`${this.#name} ${reason}`)
    this.#wake()
  }
}

function sameRuntime(program: string): string[] {
  const extension = extname(__filename)
  const loader = extension === '.ts' ? ['-r', require.resolve('ts-node/register')] : []
  return [...loader, `${program}${extension}`]
}

/** Compiling and starting takes seconds on a busy machine; a sample with a million kept datagrams takes longer. */
const DEFAULT_TIMEOUT_MS = 600_000
const STOP_MS = 2000
