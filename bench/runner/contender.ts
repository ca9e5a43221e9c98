import { setImmediate as nextTurn } from 'node:timers/promises'
import { measurePreparation } from './prepare-cost.js'
import type { SendCounts, Sender } from './sender.js'

/** One round's order. */
export interface RoundOrder {
  readonly seconds: number
  readonly stream: number
  readonly signal: AbortSignal
  /** Told now and then how far it is; not every contender does. */
  readonly onProgress?: (counts: SendCounts, seconds: number) => void
}

/** What a contender did in a round. */
export interface RoundOutcome {
  readonly seconds: number
  /** Datagrams the kernel took. */
  readonly packets: number
  /** Calls that send. */
  readonly sendCalls: number
  /** All system calls of the loop: those, and the waiting. */
  readonly systemCalls: number
  readonly wouldBlock: number
  readonly errors: number
  readonly userSeconds: number
  readonly systemSeconds: number
}

/** Somebody who can send for a while: a way of this program's, or another program. */
export interface Contender extends AsyncDisposable {
  readonly name: string
  run(order: RoundOrder): Promise<RoundOutcome>
  /** Nanoseconds a message, if it can be told. */
  prepareNanoseconds(): number | null
}

/** A `Sender` of this process as a contender. */
export class LocalContender implements Contender {
  readonly name: string
  readonly #sender: Sender

  constructor(name: string, sender: Sender) {
    this.name = name
    this.#sender = sender
  }

  /** Sends in slices, between which the event loop turns: for signals, and for progress. */
  async run({ seconds, stream, signal, onProgress }: RoundOrder): Promise<RoundOutcome> {
    const sender = this.#sender
    const cpu = process.cpuUsage()
    sender.begin(stream)
    const startMs = performance.now()
    const endMs = startMs + seconds * 1000
    for (let nowMs = startMs; nowMs < endMs; nowMs = performance.now()) {
      signal.throwIfAborted()
      await sender.sendSlice(Math.min(nowMs + SLICE_MS, endMs))
      onProgress?.(sender.counts, (performance.now() - startMs) / 1000)
      await nextTurn()
    }
    sender.settle(endMs + SETTLE_MS)
    const elapsedSeconds = (performance.now() - startMs) / 1000
    return outcome(sender.counts, elapsedSeconds, process.cpuUsage(cpu))
  }

  prepareNanoseconds(): number {
    return measurePreparation(this.#sender)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#sender.close()
  }
}

/** Counts and times as an outcome. */
function outcome(counts: SendCounts, seconds: number, cpu: NodeJS.CpuUsage): RoundOutcome {
  const { packets, sendCalls, pollCalls, wouldBlock, errors } = counts
  return {
    seconds,
    packets,
    sendCalls,
    systemCalls: sendCalls + pollCalls,
    wouldBlock,
    errors,
    userSeconds: cpu.user / 1e6,
    systemSeconds: cpu.system / 1e6,
  }
}

/** Short enough for signals and progress, long enough not to matter. */
const SLICE_MS = 25
/** The most a paced batch is worth, and some. */
const SETTLE_MS = 100
