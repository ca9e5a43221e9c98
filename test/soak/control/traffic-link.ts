import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Answer, Command, Credit, ProcessEvent, Sample } from '../traffic/protocol.js'

/** How a process with traffic is started. */
export interface TrafficLinkOptions {
  readonly name: string
  /** The folder of the compiled programs. */
  readonly programs: string
  /** A wrapper command that moves the process into a network namespace. */
  readonly wrapper: readonly string[]
  readonly env: NodeJS.ProcessEnv
}

/** The parent's end of a process with traffic. */
export class TrafficLink {
  readonly name: string
  readonly samples: Sample[] = []
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, Waiting>()
  onCredit: (credit: Credit) => void = () => {}
  #lastId = 0
  #stderr = ''
  #ended: string | undefined

  constructor({ name, programs, wrapper, env }: TrafficLinkOptions) {
    this.name = name
    const node = [process.execPath, '--expose-gc', join(programs, 'traffic.js')]
    // tap adds a loader to NODE_OPTIONS, whose allocations and handles would count as the child's.
    this.#child = spawn('env', ['--unset=NODE_OPTIONS', ...wrapper, ...node], { env, stdio: 'pipe' })
    createInterface({ input: this.#child.stdout as NodeJS.ReadableStream }).on('line', (line) => this.#take(line))
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-MAX_STDERR)
    })
    this.#child.stdin?.on('error', () => {})
    this.#child.once('close', (code, signal) => this.#end(`ended with ${code ?? signal}: ${this.#stderr.trim()}`))
  }

  /** Reason why the process has ended, if it has. */
  get ended(): string | undefined {
    return this.#ended
  }

  /** Settles with the response of the process. Rejects when the process ends, or does not respond for a long time. */
  request<T>(command: Command): Promise<T> {
    const name = `process ${this.name}`
    return new Promise<T>((resolve, reject) => {
      if (this.#ended !== undefined) {
        reject(new Error(`${name} ${this.#ended}`))
        return
      }
      this.#lastId += 1
      const late = new Error(`${name} did not answer '${command.do}' within ${ANSWER_MS} ms`)
      const timer = setTimeout(() => reject(late), ANSWER_MS)
      this.#waiting.set(this.#lastId, { resolve, reject, timer })
      this.#child.stdin?.write(`${JSON.stringify({ id: this.#lastId, ...command })}\n`)
    })
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Ends the process. Settles when it has ended. */
  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const closed = once(this.#child, 'close')
    this.#child.stdin?.end()
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 5000)
    await closed
    clearTimeout(timer)
  }

  #take(line: string): void {
    const message = JSON.parse(line) as Answer | ProcessEvent
    if ('event' in message) {
      if (message.event === 'sample') this.samples.push(message)
      else this.onCredit(message)
      return
    }
    const waiting = this.#waiting.get(message.id)
    this.#waiting.delete(message.id)
    clearTimeout(waiting?.timer)
    if (message.error === undefined) waiting?.resolve(message.result as never)
    else waiting?.reject(new Error(`process ${this.name}: ${message.error}`))
  }

  #end(reason: string): void {
    this.#ended = reason
    for (const { reject, timer } of this.#waiting.values()) {
      clearTimeout(timer)
      reject(new Error(`process ${this.name} ${reason}`))
    }
    this.#waiting.clear()
  }
}

interface Waiting {
  resolve(result: never): void
  reject(error: Error): void
  readonly timer: NodeJS.Timeout
}

const ANSWER_MS = 60_000
const MAX_STDERR = 4000
