import { setImmediate as nextIteration } from 'node:timers/promises'
import { Failure } from '../cli/run-command.js'
import { measurePreparation } from '../traffic/costs.js'
import type { SendMode } from '../traffic/modes.js'
import { openSender } from '../traffic/open.js'
import type { SendResult } from '../traffic/round-record.js'
import type { SendCounts, Sender, SendPlan } from '../traffic/sender.js'

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
  /** Measures the preparation of one datagram, in nanoseconds; null if that is not possible. */
  prepareNanoseconds(): number | null
}

/** A `Sender` of this process as a candidate. */
export class LocalCandidate implements Candidate {
  readonly name: string
  readonly #sender: Sender

  private constructor(name: string, sender: Sender) {
    this.name = name
    this.#sender = sender
  }

  /** @throws Failure if the socket cannot be bound or connected */
  static async open(name: string, mode: SendMode, plan: SendPlan): Promise<LocalCandidate> {
    const { bind, destination } = plan
    try {
      return new LocalCandidate(name, await openSender(mode, plan))
    } catch (error) {
      const { syscall, code } = error as NodeJS.ErrnoException
      if (syscall === 'bind') throw new Failure(`cannot send from ${bind?.address} port ${bind?.port}: ${code}`)
      if (syscall === 'connect') throw new Failure(`cannot connect to ${destination}: ${code}`)
      throw error
    }
  }

  /** Sends in slices, between which the event loop handles signals and progress. */
  async run({ seconds, streams: [stream], signal, onProgress }: RoundOrder): Promise<SendResult> {
    const sender = this.#sender
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
    const { user, system } = process.cpuUsage(cpuBefore)
    return { ...sender.counts, seconds: elapsedSeconds, cpu: { userSeconds: user / 1e6, systemSeconds: system / 1e6 } }
  }

  prepareNanoseconds(): number {
    return measurePreparation(this.#sender)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#sender.close()
  }
}

/** Short enough for signals and progress, long enough not to affect the rate. */
const SLICE_MS = 25
/** Longer than a paced batch takes. */
const SETTLE_MS = 100
