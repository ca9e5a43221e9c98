import { type Endpoint, endpoint } from '../../../src/index.js'
import { bufferCost, type Flow, type Sent } from '../plan/flow.js'
import { writeDatagram } from './payload.js'
import { plantOnce } from './plant.js'

/** Where a flow's sending socket was when its thread ended, for the socket that goes on with it. */
export interface OutgoingState {
  readonly sequence: number
  readonly sentCost: number
  readonly counts: Sent
}

/** What the receiving side reports, or the soak decides, while the flow runs. */
export interface OutgoingChanges {
  /** Receive buffer space that datagrams on the way may take together; unlimited for flows that may be lost. */
  readonly windowCost?: number
  /** Receive buffer space of all that the receiver has read. */
  readonly creditedCost?: number
  /** True while the receiving socket is closed: what the kernel accepts then reaches no socket. */
  readonly isReceiverClosed?: boolean
}

/** The sending end of one flow: numbers the datagrams, keeps to the window, and counts the results. */
export class Outgoing {
  readonly flow: Flow
  readonly counts: Sent
  /** Undefined when the socket is connected. */
  readonly destination: Endpoint | undefined
  #changes: Required<OutgoingChanges> = {
    windowCost: Number.POSITIVE_INFINITY,
    creditedCost: 0,
    isReceiverClosed: false,
  }
  #sequence: number
  #sentCost: number
  #swapped: number | undefined

  constructor(flow: Flow, state: OutgoingState = { sequence: 0, sentCost: 0, counts: noCounts() }) {
    this.flow = flow
    this.counts = state.counts
    this.destination = flow.from.send?.connected ? undefined : endpoint(flow.to)
    this.#sequence = state.sequence
    this.#sentCost = state.sentCost
    this.update({ creditedCost: state.sentCost })
  }

  /** The number of the next datagram. */
  get sequence(): number {
    return this.#sequence
  }

  get state(): OutgoingState {
    return { sequence: this.#sequence, sentCost: this.#sentCost, counts: this.counts }
  }

  update(changes: OutgoingChanges): void {
    Object.assign(this.#changes, changes)
  }

  get isReceiverClosed(): boolean {
    return this.#changes.isReceiverClosed
  }

  /** True if the receive buffer has room for more. */
  hasRoom(cost: number): boolean {
    const { windowCost, creditedCost } = this.#changes
    return this.#sentCost - creditedCost + cost <= windowCost
  }

  /** Writes the next datagram of the flow to all of `target`. It takes room in the window until it is settled or read. */
  write(target: Buffer): void {
    writeDatagram(target, this.flow.id, this.#plantedSequence())
    if (plantOnce('corrupt', this.flow.from.name)) target[target.length - 1] ^= 1
    this.#sequence += 1
    this.#sentCost += bufferCost(target.length)
    this.counts.offered += 1
  }

  /** Notes the result of datagrams that were written. */
  settle(datagrams: number, cost: number, code?: string): void {
    const { counts } = this
    if (code === undefined) counts.accepted += datagrams
    else counts.failed[code] = (counts.failed[code] ?? 0) + datagrams
    if (code === undefined && this.isReceiverClosed) counts.toClosedPort += datagrams
    // They take no room in the receive buffer.
    if (code !== undefined || this.isReceiverClosed) this.#sentCost -= cost
  }

  // Swaps the numbers of two datagrams that follow each other.
  #plantedSequence(): number {
    if (this.#swapped !== undefined) {
      const swapped = this.#swapped
      this.#swapped = undefined
      return swapped
    }
    if (!plantOnce('reorder', this.flow.from.name)) return this.#sequence
    this.#swapped = this.#sequence
    return this.#sequence + 1
  }
}

function noCounts(): Sent {
  return { offered: 0, accepted: 0, failed: {}, toClosedPort: 0, refused: 0, pendingCallbacks: 0, aborted: 0 }
}
