import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { JsonLines } from '../children/json-lines.js'
import { Failure } from '../cli/run-command.js'
import type { CpuTime, SendResult } from '../traffic/round-record.js'
import type { SendPlan } from '../traffic/sender.js'
import type { Candidate, RoundOrder } from './candidate.js'

/** Another program that sends when it reads a command on its standard input; bench/peers/README.md has the protocol. */
export class ExternalCandidate implements Candidate {
  readonly name: string
  readonly #child: ChildProcess
  readonly #input: Writable
  readonly #answers: JsonLines

  /** @param words - the program and its options */
  constructor(name: string, [program, ...options]: readonly string[]) {
    this.name = name
    // Detached: Ctrl-C must not end it before this process has printed the results.
    const child = spawn(program, options, { stdio: ['pipe', 'pipe', 'inherit'], detached: true })
    // A program that did not start, or has ended, gives no answer, which is reported.
    child.on('error', () => {})
    child.stdin.on('error', () => {})
    this.#child = child
    this.#input = child.stdin
    this.#answers = new JsonLines(child.stdout as Readable)
  }

  async run({ seconds, stream, signal }: RoundOrder): Promise<SendResult> {
    this.#input.write(`run ${seconds} ${stream}\n`)
    const answer = await this.#answer(seconds * 1000 + PATIENCE_MS, signal)
    // Its `systemCalls` are those that send; it polls once each time the socket is full.
    const { systemCalls: sendCalls, userSeconds, systemSeconds, ...counts } = answer
    return { ...counts, sendCalls, cpu: { userSeconds, systemSeconds } }
  }

  prepareNanoseconds(): null {
    return null
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null || this.#child.pid === undefined) return
    const gone = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await gone
  }

  /** Returns the next line. @throws Failure that describes how the program ended */
  async #answer(timeoutMs: number, signal: AbortSignal): Promise<PeerAnswer> {
    try {
      return (await this.#answers.next(timeoutMs, signal)) as PeerAnswer
    } catch (error) {
      signal.throwIfAborted()
      const { exitCode } = this.#child
      const reason = exitCode === null ? (error as Error).message : `it ended with exit status ${exitCode}`
      throw new Failure(`the peer ${this.name} gave no result: ${reason}`)
    }
  }
}

/** Returns a plan as the options of the programs in bench/peers. */
export function peerOptions(plan: SendPlan, mode: string, longOption: '--' | '-'): string[] {
  const { destination, sizeBytes, batch, segments, connect, prepare } = plan
  const options = {
    to: destination.address,
    port: destination.port,
    size: sizeBytes,
    batch,
    mode,
    connect: connect ? 1 : 0,
    prepare,
    // Only the programs with GSO have this option.
    ...(mode === 'gso' ? { segments } : {}),
  }
  return Object.entries(options).flatMap(([name, value]) => [`${longOption}${name}`, String(value)])
}

/** What the program prints: bench/peers/README.md. */
type PeerAnswer = Omit<SendResult, 'sendCalls' | 'cpu'> & CpuTime & { readonly systemCalls: number }

/** Maximum delay of the answer after the end of a round. */
const PATIENCE_MS = 10_000
