import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { Failure } from '../failure.js'
import { JsonLines } from '../peers/json-lines.js'
import type { Contender, RoundOrder, RoundOutcome } from './contender.js'
import type { SendPlan } from './sender.js'

/** Another program that sends, told on its standard input when; bench/peers/README.md has the protocol. */
export class ExternalContender implements Contender {
  readonly name: string
  readonly #child: ChildProcess
  readonly #input: Writable
  readonly #answers: JsonLines

  /** @param words - the program and its options */
  constructor(name: string, [program, ...options]: readonly string[]) {
    this.name = name
    const child = spawn(program, options, { stdio: ['pipe', 'pipe', 'inherit'] })
    // That it could not start, or has ended, shows in its answer's absence.
    child.on('error', () => {})
    child.stdin.on('error', () => {})
    this.#child = child
    this.#input = child.stdin
    this.#answers = new JsonLines(child.stdout as Readable)
  }

  /** One line asks, one line answers. */
  async run({ seconds, stream, signal }: RoundOrder): Promise<RoundOutcome> {
    this.#input.write(`run ${seconds} ${stream}\n`)
    const answer = await this.#answer(seconds * 1000 + PATIENCE_MS, signal)
    // It counts the calls that send; it polls once each time the socket is full.
    const { systemCalls: sendCalls, wouldBlock } = answer
    return { ...answer, sendCalls, systemCalls: sendCalls + wouldBlock }
  }

  prepareNanoseconds(): null {
    return null
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const gone = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await gone
  }

  /** The next line, or a failure that says what became of the program. */
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

/** The options of bench/peers for a plan. */
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
    // Not every program has trains, and then not the option either.
    ...(mode === 'gso' ? { segments } : {}),
  }
  return Object.entries(options).flatMap(([name, value]) => [`${longOption}${name}`, String(value)])
}

/** What the program prints: bench/peers/README.md. */
type PeerAnswer = Omit<RoundOutcome, 'sendCalls'>

/** How long past the end of a round it may take to answer. */
const PATIENCE_MS = 10_000
