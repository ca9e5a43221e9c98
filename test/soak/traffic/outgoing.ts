import { type Endpoint, endpoint } from '../../../src/index.js'
import { bufferCost, type Flow, type Sent } from '../plan/flow.js'
import { injectOnce } from './injected-faults.js'
import { writeDatagram } from './payload.js'

/** State of a flow's sender when its thread ended, for the socket that continues the flow. */
export interface OutgoingState {
  readonly sequence: number
  readonly sentCost: number
  readonly counts: Sent
}

/** Updates from the receiving side, or from the soak, while the flow runs. */
export interface OutgoingChanges {
  /** Maximum receive buffer space of all datagrams in flight; unlimited for flows that may lose datagrams. */
  readonly windowCost?: number
  /** Receive buffer space of all datagrams that the receiver has read. */
  readonly creditedCost?: number
  /** True while the receiving socket is closed: datagrams that the kernel then accepts are dropped. */
  readonly isReceiverClosed?: boolean
}

/** Sending end of one flow: numbers the datagrams, obeys the window, and counts the results. */
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

  /** Number of the next datagram. */
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

  /** True if the receive buffer has space for more. */
  hasRoom(cost: number): boolean {
    const { windowCost, creditedCost } = this.#changes
    return this.#sentCost - creditedCost + cost <= windowCost
  }

  /**
   * Writes the next datagram of the flow to all of `target`. It uses space in the window until it is settled or read.
   */
  write(target: Buffer): void {
    writeDatagram(target, this.flow.id, this.#sequenceToWrite())
    if (injectOnce('corrupt', this.flow.from.name)) target[target.length - 1] ^= 1
    this.#sequence += 1
    this.#sentCost += bufferCost(target.length)
    this.counts.offered += 1
  }

  /** Records the result of datagrams that were written. */
  settle(datagrams: number, cost: number, code?: string): void {
    const { counts } = this
    if (code === undefined) counts.accepted += datagrams
    else counts.failed[code] = (counts.failed[code] ?? 0) + datagrams
    if (code === undefined && this.isReceiverClosed) counts.toClosedPort += datagrams
    // These datagrams use no space in the receive buffer.
    if (code !== undefined || this.isReceiverClosed) this.#sentCost -= cost
  }

  // Swaps the numbers of two consecutive datagrams, if that fault is injected.
  #sequenceToWrite(): number {
    if (this.#swapped !== undefined) {
      const swapped = this.#swapped
      this.#swapped = undefined
      return swapped
    }
    if (!injectOnce('reorder', this.flow.from.name)) return this.#sequence
    this.#swapped = this.#sequence
    return this.#sequence + 1
  }
}

function noCounts(): Sent {
  return { offered: 0, accepted: 0, failed: {}, toClosedPort: 0, refused: 0, pendingCallbacks: 0, aborted: 0 }
}
