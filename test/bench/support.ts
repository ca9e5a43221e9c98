import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { SummaryRow } from '../../bench/throughput/summary.js'
import type { RoundRecord } from '../../bench/traffic/round-record.js'
import { compiledPackage } from '../support/compiled.js'
import { ownLoopback } from '../support/own-loopback.js'

/** A command of the benchmark that is over. */
export interface Finished {
  readonly status: number | null
  /** The signal that ended it, if it did not handle it. */
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** How a command is started. */
export interface BenchOptions {
  /** What runs node: strace, say, or a network namespace. */
  readonly wrapper?: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  /** Through ts-node, as users have it, instead of compiled beforehand, which starts ten times as fast. */
  readonly tsNode?: boolean
}

/** The JSON document of a command, as far as all have it in common. */
export interface BenchDocument {
  readonly schemaVersion: number
  readonly command: string
  readonly config: Record<string, unknown>
  readonly machine: Record<string, unknown>
  readonly results: RoundRecord[]
  readonly summary: SummaryRow[]
}

/** A command of the benchmark while it runs. It is killed if the test is over before it. */
export class BenchProcess {
  readonly child: ChildProcess
  readonly #closed: Promise<unknown[]>
  #stdout = ''
  #stderr = ''

  constructor(
    command: string,
    words: readonly string[],
    { wrapper = [], env = process.env, tsNode }: BenchOptions = {},
  ) {
    const script = tsNode
      ? ['-r', 'ts-node/register', join('bench', `${command}.ts`)]
      : [join(compiledPackage(), 'bench', `${command}.js`)]
    const node = [process.execPath, ...script]
    // tap puts a loader of its own into NODE_OPTIONS.
    const [program, ...rest] = ['env', '--unset=NODE_OPTIONS', ...network, ...wrapper, ...node, ...words]
    this.child = spawn(program, rest, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] })
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text
    })
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text
    })
    this.#closed = once(this.child, 'close')
    running.add(this.child)
    this.child.once('close', () => running.delete(this.child))
  }

  /** Settles when standard error has something that matches. */
  async says(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.#stderr)) {
      const more = once(this.child.stderr as NodeJS.ReadableStream, 'data')
      const ended = this.#closed.then(() => {
        if (!pattern.test(this.#stderr)) throw new Error(`it ended without saying ${pattern}: ${this.#stderr}`)
      })
      await Promise.race([more, ended])
    }
  }

  async finished(): Promise<Finished> {
    const [status, signal] = await this.#closed
    return {
      status: status as number | null,
      signal: signal as NodeJS.Signals | null,
      stdout: this.#stdout,
      stderr: this.#stderr,
    }
  }

  /** Ends it by a signal, if it has not ended. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<Finished> {
    this.child.kill(signal)
    return this.finished()
  }
}

/**
 * Runs the commands of a test file in a network namespace, so that the counters of its loopback interface count nothing
 * else. Returns false, or why that is impossible.
 */
export async function useOwnLoopback(t: Test): Promise<string | false> {
  const own = await ownLoopback()
  if (typeof own === 'string') return own
  network = own.wrapper
  t.teardown(() => own.down())
  return false
}

/** Runs a command to its end. */
export function bench(command: string, line: string, options?: BenchOptions): Promise<Finished> {
  return new BenchProcess(command, line.split(' ').filter(Boolean), options).finished()
}

/** Runs a command with `--json`, which must end well. */
export async function benchJson<T extends BenchDocument>(
  command: string,
  line: string,
  options?: BenchOptions,
): Promise<T> {
  const { status, stdout, stderr } = await bench(command, `${line} --json`, options)
  if (status !== 0) throw new Error(`${command} ${line} ended with ${status}: ${stderr}`)
  return JSON.parse(stdout) as T
}

/** Starts a receiver and waits until it listens. */
export async function startReceiver(line: string, options?: BenchOptions): Promise<BenchProcess> {
  const receiver = new BenchProcess('recv', line.split(' ').filter(Boolean), options)
  await receiver.says(/listening on/)
  return receiver
}

/** Why a program cannot be used here; false if it can. */
export function missing(program: string, ...words: string[]): string | false {
  return spawnSync(program, words).status === 0 ? false : `${program} cannot be run here`
}

/** How often `strace -c` saw a system call. */
export function tracedCalls(path: string, name: string): number {
  const line = readFileSync(path, 'utf8')
    .split('\n')
    .find((candidate) => candidate.trim().endsWith(` ${name}`))
  return line === undefined ? 0 : Number(line.trim().split(/\s+/)[3])
}

let network: readonly string[] = []

const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

const ROOT = join(__dirname, '..', '..')
