import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { promisify } from 'node:util'
import { JsonLines } from '../children/mailbox.js'
import { Failure } from '../cli/run-command.js'
import type { PeerName } from '../options/throughput-options.js'
import type { CpuTime, SendResult } from '../traffic/round-record.js'
import type { SendPlan } from '../traffic/sender.js'
import type { Candidate, RoundOrder } from './candidate.js'

/** Compiles a program of bench/peers into a folder. @returns the reason if it cannot be compiled */
export async function buildPeer(
  name: PeerName,
  plan: SendPlan,
  mode: string,
  folder: string,
  signal: AbortSignal,
): Promise<ExternalCandidate | string> {
  const program = join(folder, `udp-send-${name}`)
  try {
    if (name !== 'go') {
      await run('cc', ['-O2', '-o', program, join(PEERS, 'c', 'udp-send.c')], { signal })
    } else {
      // golang.org/x/net from Debian's packages.
      const env = { ...process.env, GO111MODULE: 'off', GOPATH: '/usr/share/gocode', GOCACHE: join(folder, 'go-cache') }
      await run('go', ['build', '-o', program, '.'], { cwd: join(PEERS, 'go'), env, signal })
    }
    return new ExternalCandidate(name, program, peerOptions(plan, peerMode(name, mode), name === 'go' ? '-' : '--'))
  } catch (error) {
    signal.throwIfAborted()
    const { code, stderr = '' } = error as { code?: unknown; stderr?: string }
    if (code === 'ENOENT') return `no ${name === 'go' ? 'Go (go)' : 'C compiler (cc)'} on this host`
    const [complaint = ''] = stderr.trim().split('\n').slice(-1)
    return `it does not compile here${complaint === '' ? '' : `: ${complaint}`}`
  }
}

/** Another program that sends when it reads a command on its standard input; bench/peers/README.md has the protocol. */
class ExternalCandidate implements Candidate {
  readonly name: string
  readonly #child: ChildProcess
  readonly #input: Writable
  readonly #answers: JsonLines

  constructor(name: string, program: string, options: readonly string[]) {
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

  async run({ seconds, streams: [stream], signal }: RoundOrder): Promise<SendResult> {
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

function peerMode(name: PeerName, mode: string): string {
  return name === 'c-copying' ? mode.replace('+zerocopy', '') : mode
}

function peerOptions(plan: SendPlan, mode: string, longOption: '--' | '-'): string[] {
  const { destination, sizeBytes, batch, segments, buffers, connect, prepare } = plan
  const options = {
    to: destination.address,
    port: destination.port,
    size: sizeBytes,
    batch,
    mode,
    connect: connect ? 1 : 0,
    prepare,
    // Only the programs with GSO have these options.
    ...(mode.includes('gso') ? { segments, buffers } : {}),
  }
  return Object.entries(options).flatMap(([name, value]) => [`${longOption}${name}`, String(value)])
}

/** What the program prints: bench/peers/README.md. */
type PeerAnswer = Omit<SendResult, 'sendCalls' | 'cpu'> & CpuTime & { readonly systemCalls: number }

/** Maximum delay of the answer after the end of a round. */
const PATIENCE_MS = 10_000
const PEERS = join(__dirname, '../peers')
const run = promisify(execFile)
