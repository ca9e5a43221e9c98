import { setImmediate as nextIteration } from 'node:timers/promises'
import { measurePreparation } from '../traffic/costs.js'
import type { SendResult } from '../traffic/round-record.js'
import type { SendCounts, Sender } from '../traffic/sender.js'

export interface RoundOrder {
  readonly seconds: number
  readonly stream: number
  readonly signal: AbortSignal
  /** Called now and then, where the candidate supports it. */
  readonly onProgress?: (counts: SendCounts, seconds: number) => void
}

/** One way to send, in this process or in another program. */
export interface Candidate extends AsyncDisposable {
  readonly name: string
  run(order: RoundOrder): Promise<SendResult>
  /** Measures the preparation of one datagram, in nanoseconds; null if that is not possible. */
  prepareNanoseconds(): number | null
}

/** A `Sender` of this process as a candidate. */
export class LocalCandidate implements Candidate {
  readonly name: string
  readonly #sender: Sender

  constructor(name: string, sender: Sender) {
    this.name = name
    this.#sender = sender
  }

  /** Sends in slices, between which the event loop handles signals and progress. */
  async run({ seconds, stream, signal, onProgress }: RoundOrder): Promise<SendResult> {
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
