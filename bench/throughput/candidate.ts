import { execFile, spawn } from 'node:child_process'
import { join } from 'node:path'
import { setImmediate as nextIteration } from 'node:timers/promises'
import { promisify } from 'node:util'
import { end } from '../children/child.js'
import { jsonLines } from '../children/mailbox.js'
import { temporaryFolder } from '../children/temporary.js'
import { Failure } from '../cli/run-command.js'
import type { PeerName } from '../options/throughput-options.js'
import { measureCrossing, measurePreparation } from '../traffic/costs.js'
import { isGsoMode, type SendMode } from '../traffic/modes.js'
import { openSender } from '../traffic/open.js'
import { type CpuTime, cpuSince, type SendResult } from '../traffic/round-record.js'
import type { SendCounts, SendPlan } from '../traffic/sender.js'
import type { CandidateCosts } from './summary.js'

export interface RoundOrder {
  readonly seconds: number
  /** Stream numbers, one per stream. */
  readonly streams: readonly number[]
  readonly signal: AbortSignal
  /** Called now and then, where the candidate supports it. */
  readonly onProgress?: (counts: SendCounts, seconds: number) => void
}

/** The sum of a round's streams; if there are several, each of them. `seconds` is that of the longest. */
export interface RoundResult extends SendResult {
  readonly streams?: readonly Omit<SendResult, 'cpu'>[]
}

/** One way to send, in this process or in another program. */
export interface Candidate extends AsyncDisposable {
  readonly name: string
  run(order: RoundOrder): Promise<RoundResult>
  /** Measures what its calls cost outside the kernel; null if that is not possible. */
  costs(): CandidateCosts | null
}

/** Opens a `Sender` of this process as a candidate. @throws Failure if the socket cannot be bound or connected */
export async function openLocal(name: string, mode: SendMode, plan: SendPlan): Promise<Candidate> {
  const { bind, destination } = plan
  const sender = await openSender(mode, plan).catch((error: NodeJS.ErrnoException) => {
    const { syscall, code } = error
    if (syscall === 'bind') throw new Failure(`cannot send from ${bind?.address} port ${bind?.port}: ${code}`)
    if (syscall === 'connect') throw new Failure(`cannot connect to ${destination}: ${code}`)
    throw error
  })
  return {
    name,
    // Sends in slices, between which the event loop handles signals and progress.
    async run({ seconds, streams: [stream], signal, onProgress }) {
      const cpuBefore = process.cpuUsage()
      sender.begin(stream)
      const startMs = performance.now()
      const endMs = startMs + seconds * 1000
      for (let nowMs = startMs; nowMs < endMs; nowMs = performance.now()) {
        signal.throwIfAborted()
        await sender.sendSlice(Math.min(nowMs + SLICE_MS, endMs))
        onProgress?.(sender.counts, (performance.now() - startMs) / 1000)
        await nextIteration()
      }
      sender.settle(endMs + SETTLE_MS)
      const elapsedSeconds = (performance.now() - startMs) / 1000
      return { ...sender.counts, seconds: elapsedSeconds, cpu: cpuSince(cpuBefore) }
    },
    costs() {
      const prepareNanoseconds = measurePreparation(sender)
      const call = mode.startsWith('sendmmsg') ? 'sendmmsg' : 'sendmsg'
      return { prepareNanoseconds, crossingNanoseconds: mode.endsWith('dgram') ? null : measureCrossing(call) }
    },
    [Symbol.asyncDispose]: async () => sender.close(),
  }
}

/** Compiles a program of bench/peers. @returns the reason if it does not support the mode or cannot be compiled */
export async function buildPeer(
  name: PeerName,
  plan: SendPlan,
  mode: SendMode,
  signal: AbortSignal,
): Promise<Candidate | string> {
  if (isGsoMode(mode) && name === 'go') return 'it does not support GSO'
  const folder = temporaryFolder('peers')
  const program = join(folder.path, 'udp-send')
  try {
    // golang.org/x/net is from Debian's packages.
    const go = { GO111MODULE: 'off', GOPATH: '/usr/share/gocode', GOCACHE: join(folder.path, 'go-cache') }
    const options = { cwd: join(PEERS, name === 'go' ? 'go' : 'c'), env: { ...process.env, ...go }, signal }
    if (name === 'go') await run('go', ['build', '-o', program, '.'], options)
    else await run('cc', ['-O2', '-o', program, 'udp-send.c'], options)
    return startPeer(name, folder, program, peerOptions(plan, name, mode))
  } catch (error) {
    folder[Symbol.dispose]()
    signal.throwIfAborted()
    const { code, stderr = '' } = error as { code?: unknown; stderr?: string }
    if (code === 'ENOENT') return `no ${name === 'go' ? 'Go (go)' : 'C compiler (cc)'} on this host`
    const [complaint = ''] = stderr.trim().split('\n').slice(-1)
    return `it does not compile here${complaint === '' ? '' : `: ${complaint}`}`
  }
}

/**
 * Starts another program, which sends when it reads a command on its standard input; bench/peers/README.md has the protocol.
 *
 * @param folder - with the program
 */
function startPeer(name: string, folder: Disposable, program: string, options: readonly string[]): Candidate {
  // Detached: Ctrl-C must not end it before this process has printed the results.
  const child = spawn(program, options, { stdio: ['pipe', 'pipe', 'inherit'], detached: true })
  // A program that did not start, or has ended, gives no answer, which is reported.
  child.on('error', () => {})
  child.stdin.on('error', () => {})
  const answers = jsonLines(child.stdout)
  return {
    name,
    async run({ seconds, streams: [stream], signal }) {
      child.stdin.write(`run ${seconds} ${stream}\n`)
      const answer = await answers.next(seconds * 1000 + PATIENCE_MS, signal).catch(({ message }: Error) => {
        signal.throwIfAborted()
        const reason = child.exitCode === null ? message : `it ended with exit status ${child.exitCode}`
        throw new Failure(`the peer ${name} gave no result: ${reason}`)
      })
      // Its `systemCalls` are those that send; it polls once each time the socket is full.
      const { systemCalls: sendCalls, userSeconds, systemSeconds, ...counts } = answer as PeerAnswer
      return { ...counts, sendCalls, cpu: { userSeconds, systemSeconds } }
    },
    costs: () => null,
    async [Symbol.asyncDispose]() {
      await end(child, () => child.kill('SIGKILL'))
      folder[Symbol.dispose]()
    },
  }
}

function peerOptions(plan: SendPlan, name: PeerName, sendMode: SendMode): string[] {
  const { destination, sizeBytes, batch, segments, buffers, connect, prepare } = plan
  const mode = name === 'c-copying' ? sendMode.replace('+zerocopy', '') : sendMode
  const options = {
    to: destination.address,
    port: destination.port,
    size: sizeBytes,
    batch,
    mode,
    connect: connect ? 1 : 0,
    prepare,
    // Only the programs with GSO have these options.
    ...(isGsoMode(sendMode) ? { segments, buffers } : {}),
  }
  return Object.entries(options).flatMap(([key, value]) => [`${name === 'go' ? '-' : '--'}${key}`, String(value)])
}

/** What the program prints: bench/peers/README.md. */
type PeerAnswer = Omit<SendResult, 'sendCalls' | 'cpu'> & CpuTime & { readonly systemCalls: number }

/** Maximum delay of the answer after the end of a round. */
const PATIENCE_MS = 10_000
const PEERS = join(__dirname, '../peers')
const run = promisify(execFile)
/** Short enough for signals and progress, long enough not to affect the rate. */
const SLICE_MS = 25
/** Longer than a paced batch takes. */
const SETTLE_MS = 100
