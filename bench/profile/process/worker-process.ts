import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { Failure } from '../../failure.js'
import type { Built } from './build.js'
import type { Answer, Order } from './orders.js'

/** How a worker is started. */
export interface WorkerPlan {
  readonly built: Built
  /** What to put in front of the command: a namespace to be in, a processor to stay on. */
  readonly wrapper: readonly string[]
  readonly env: NodeJS.ProcessEnv
  readonly nodeFlags: readonly string[]
  readonly to: { readonly address: string; readonly port: number }
  /** Let nothing interrupt a block, where that is allowed. */
  readonly isRealTime: boolean
}

/** A worker, seen from its parent: one order at a time, each with its answer. */
export class WorkerProcess {
  readonly #child: ChildProcess
  readonly #name: string
  #answered: ((answer: Answer | Error) => void) | undefined

  private constructor(name: string, child: ChildProcess) {
    this.#name = name
    this.#child = child
    child.on('message', (answer: Answer) => this.#settle(answer))
    child.on('error', (error) => this.#settle(new Failure(`the worker ${name} did not start: ${error.message}`)))
    child.on('exit', (code, signal) => this.#settle(new Failure(`the worker ${name} ended (${signal ?? code})`)))
  }

  static async start(name: string, plan: WorkerPlan): Promise<{ worker: WorkerProcess; hello: Hello }> {
    const { built, wrapper, nodeFlags, to, isRealTime } = plan
    const program = [
      process.execPath,
      ...nodeFlags,
      built.entry,
      JSON.stringify(to),
      isRealTime ? 'real-time' : 'ordinary',
    ]
    const [command, ...words] = [...wrapper, ...program]
    const child = spawn(command, words, {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      // Loaders that the parent runs under have no business here.
      env: { ...plan.env, NODE_PATH: built.nodePath, NODE_OPTIONS: '', NODE_NO_WARNINGS: '1' },
    })
    const worker = new WorkerProcess(name, child)
    const hello = await worker.#next()
    if (!('hello' in hello)) throw new Failure(`the worker ${name} said something else than hello`)
    return { worker, hello }
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  ask(order: Order): Promise<Answer> {
    this.#child.send(order)
    return this.#next()
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null || this.#child.pid === undefined) return
    const gone = once(this.#child, 'exit')
    this.#child.removeAllListeners('message')
    if (this.#child.connected) this.#child.disconnect()
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS)
    await gone
    clearTimeout(timer)
  }

  async #next(): Promise<Answer> {
    const answer = await new Promise<Answer | Error>((resolve) => {
      this.#answered = resolve
      if (this.#child.exitCode !== null) resolve(new Failure(`the worker ${this.#name} has ended`))
    })
    if (answer instanceof Error) throw answer
    return answer
  }

  #settle(answer: Answer | Error): void {
    this.#answered?.(answer)
    this.#answered = undefined
  }
}

/** What a worker says of itself when it is ready. */
export type Hello = Extract<Answer, { hello: true }>
const STOP_MS = 2000
