import { setTimeout as sleep } from 'node:timers/promises'
import { type Random, seededRandom } from '../../../bench/stats/random.js'
import type { Flow, Received, SocketCounts, SocketSpec } from '../plan/flow.js'
import { Incoming } from './incoming.js'
import { Outgoing, type OutgoingChanges } from './outgoing.js'

/** Everything that a process requires to open a socket of the soak. */
export interface PeerOptions {
  readonly spec: SocketSpec
  /** The flows that end at the socket. */
  readonly incoming: readonly Flow[]
  /** Flows that start at the socket. */
  readonly outgoing: readonly Flow[]
  readonly seed: number
}

/** A socket of the soak, in any process or thread. It receives from `open` on, and sends while it is not paused. */
export interface SoakSocket {
  /** Opens and binds it, also after `shut`. Returns the receive buffer size that the kernel granted. */
  open(): Promise<number>
  /** Connects it, if its specification requires it. */
  connect(): void
  resume(): void
  /** Settles when no send is in progress. */
  pause(): Promise<void>
  /**
   * Closes it temporarily. It must be paused and its flows drained, because no counter contains datagrams in the queue
   * of a closed socket.
   */
  shut(): Promise<void>
  /** Closes it permanently. */
  close(): Promise<void>
  update(flow: number, changes: OutgoingChanges): void
  counts(): Promise<SocketCounts>
  /** Part of the counts that is read continuously. */
  received(): Promise<Record<number, Received>>
}

/** A socket of the soak on the event loop: sends at its rate while it is not paused, and receives all the time. */
export abstract class Peer implements SoakSocket {
  readonly spec: SocketSpec
  readonly outgoing: readonly Outgoing[]
  protected readonly incoming: Incoming
  protected readonly random: Random
  readonly #problems: string[] = []
  #round: Promise<void> = Promise.resolve()
  #isPaused = true
  #isOver = false

  constructor({ spec, incoming, outgoing, seed }: PeerOptions) {
    this.spec = spec
    this.random = seededRandom(seed + spec.port)
    this.incoming = new Incoming(incoming, (problem) => this.report(problem))
    this.outgoing = outgoing.map((flow) => new Outgoing(flow))
    if (spec.send !== undefined) void this.#sendAtRate(spec.send.perSecond)
  }

  abstract open(): Promise<number>

  abstract connect(): void

  /** Sends about that many datagrams, and records the results. */
  protected abstract sendRound(datagrams: number): Promise<void>

  protected abstract closeSocket(): Promise<void>

  /** Kernel drops at the socket, including the sockets opened before it in its place. */
  abstract get kernelDrops(): number

  resume(): void {
    this.#isPaused = false
  }

  async pause(): Promise<void> {
    this.#isPaused = true
    await this.#round
  }

  async shut(): Promise<void> {
    await this.closeSocket()
  }

  async close(): Promise<void> {
    this.#isOver = true
    await this.pause()
    await this.closeSocket()
  }

  update(flow: number, changes: OutgoingChanges): void {
    this.outgoing.find((outgoing) => outgoing.flow.id === flow)?.update(changes)
  }

  async counts(): Promise<SocketCounts> {
    return {
      name: this.spec.name,
      sent: Object.fromEntries(this.outgoing.map(({ flow, counts }) => [flow.id, counts])),
      received: this.incoming.counts,
      kernelDrops: this.kernelDrops,
      problems: this.#problems,
    }
  }

  async received(): Promise<Record<number, Received>> {
    return this.incoming.counts
  }

  protected report(problem: string): void {
    if (this.#problems.length < MAX_PROBLEMS) this.#problems.push(problem)
  }

  async #sendAtRate(perSecond: number): Promise<void> {
    let due = 0
    let lastMs = performance.now()
    while (!this.#isOver) {
      await sleep(TICK_MS)
      const nowMs = performance.now()
      // Messages that a stalled loop did not send are not sent later.
      due = Math.min(due + ((nowMs - lastMs) / 1000) * perSecond, MAX_ROUND)
      lastMs = nowMs
      const datagrams = Math.floor(due)
      if (this.#isPaused || datagrams === 0) continue
      due -= datagrams
      this.#round = this.sendRound(datagrams).catch((error: Error) => this.report(`sending failed: ${error.stack}`))
      await this.#round
    }
  }
}

const TICK_MS = 20
const MAX_ROUND = 30
const MAX_PROBLEMS = 10
