import { readlinkSync } from 'node:fs'
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { type Random, seededRandom } from '../../../bench/stats/random.js'
import { type BatchConn, endpoint, type RecvBatch } from '../../../src/index.js'
import type { Received } from '../plan/flow.js'
import { finalDrops, newInbox, openConn } from './conn-peer.js'
import { Filler } from './filler.js'
import { Incoming } from './incoming.js'
import { Outgoing, type OutgoingChanges, type OutgoingState } from './outgoing.js'
import type { PeerOptions } from './peer.js'
import { type Failures, sendOrSkip } from './sending.js'

/** Start parameters of a blocking worker. */
export interface BlockingWorkerData extends PeerOptions {
  /** Counts of the worker before it, from which it continues. */
  readonly earlier: BlockingCounts
}

/** Commands of the main thread. The worker has no running event loop: it reads commands between two blocking calls. */
export type BlockingCommand =
  | { readonly do: 'connect' | 'pause' | 'resume' | 'counts' | 'close' }
  | { readonly do: 'update'; readonly flow: number; readonly changes: OutgoingChanges }

/** Response to `counts`, `pause` and `close`. */
export interface BlockingCounts {
  /** By flow. */
  readonly states: Record<number, OutgoingState>
  readonly received: Record<number, Received>
  readonly kernelDrops: number
  readonly problems: string[]
}

class BlockingWorker {
  readonly #conn: BatchConn
  readonly #inbox: RecvBatch
  readonly #incoming: Incoming
  readonly #outgoing: readonly Outgoing[]
  readonly #filler: Filler | undefined
  readonly #random: Random
  readonly #perSecond: number
  readonly #problems: string[]
  readonly #earlierDrops: number
  readonly #isConnected: boolean
  #isPaused = true

  constructor({ spec, incoming, outgoing, seed, earlier }: BlockingWorkerData) {
    this.#problems = earlier.problems
    this.#earlierDrops = earlier.kernelDrops
    this.#random = seededRandom(seed + spec.port)
    this.#incoming = new Incoming(incoming, (problem) => this.#problems.push(problem), earlier.received)
    this.#outgoing = outgoing.map((flow) => new Outgoing(flow, earlier.states[flow.id]))
    this.#filler = spec.send === undefined ? undefined : new Filler(spec.send, this.#outgoing, this.#random)
    this.#perSecond = spec.send?.perSecond ?? 0
    this.#isConnected = spec.send?.connected ?? false
    this.#inbox = newInbox(spec)
    this.#conn = openConn(spec)
  }

  run(): void {
    const thread = Number(readlinkSync('/proc/thread-self').split('/').at(-1))
    parentPort?.postMessage({ thread, receiveBufferBytes: this.#conn.options.receiveBufferBytes })
    let lastMs = performance.now()
    for (;;) {
      for (let next = nextCommand(); next !== undefined; next = nextCommand()) {
        if (next.do === 'close') {
          this.#close()
          return
        }
        this.#obey(next)
      }
      const nowMs = performance.now()
      const due = Math.ceil(((nowMs - lastMs) / 1000) * this.#perSecond)
      lastMs = nowMs
      if (!this.#isPaused && this.#filler !== undefined) this.#sendRound(this.#filler, Math.min(due, MAX_ROUND))
      if (this.#receive() > 0) for (const datagram of this.#inbox) this.#incoming.note(datagram)
    }
  }

  // Short and long waits, so that sends are not delayed, and so that signals interrupt waits.
  #receive(): number {
    try {
      return this.#conn.recvBlocking(this.#inbox, { timeoutMs: Math.floor(this.#random() * MAX_WAIT_MS) })
    } catch (error) {
      if ((error as { code?: string }).code !== 'ECONNREFUSED' || !this.#isConnected) throw error
      this.#outgoing[0].counts.refused += 1
      return 0
    }
  }

  #sendRound(filler: Filler, datagrams: number): void {
    const messages = filler.fill(datagrams)
    const failures: Failures = new Map()
    while (filler.batch.remaining > 0) {
      if (!sendOrSkip(this.#conn, filler.batch, failures)) this.#conn.waitWritable({ timeoutMs: 100 })
    }
    for (const [index, { outgoing, datagrams, cost }] of messages.entries()) {
      outgoing.settle(datagrams, cost, failures.get(index))
    }
  }

  #obey(command: BlockingCommand): void {
    if (command.do === 'connect') {
      if (this.#isConnected) this.#conn.connect(endpoint(this.#outgoing[0].flow.to))
    } else if (command.do === 'update') {
      this.#outgoing.find(({ flow }) => flow.id === command.flow)?.update(command.changes)
    } else if (command.do === 'resume') {
      this.#isPaused = false
    } else {
      if (command.do === 'pause') this.#isPaused = true
      this.#answer()
    }
  }

  #answer(): void {
    const counts: BlockingCounts = {
      states: Object.fromEntries(this.#outgoing.map(({ flow, state }) => [flow.id, state])),
      received: this.#incoming.counts,
      kernelDrops: this.#earlierDrops + (this.#conn.kernelDrops ?? 0),
      problems: this.#problems,
    }
    parentPort?.postMessage(counts)
  }

  #close(): void {
    const drops = finalDrops(this.#conn, this.#conn.localAddress.port)
    if (typeof drops === 'string') this.#problems.push(drops)
    this.#answer()
    this.#conn.close()
  }
}

function nextCommand(): BlockingCommand | undefined {
  return parentPort === null ? undefined : receiveMessageOnPort(parentPort)?.message
}

const MAX_WAIT_MS = 30
const MAX_ROUND = 30

new BlockingWorker(workerData as BlockingWorkerData).run()
