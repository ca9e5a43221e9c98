import type { CoalescedPlan } from './coalesced-plan.js'
import { SegmentPlan } from './segment-plan.js'
import type { SendBatch } from './send-batch.js'
import { DirectPlan, type SendPlan } from './send-plan.js'

/** What a socket can do with trains at the moment. */
export interface TrainSupport {
  readonly isOn: boolean
  /** Trains of longer datagrams are refused on this socket's path. */
  readonly maxSegmentBytes: number
}

/** A train that was refused and is being sent again as single datagrams, to find out whose fault it was. */
export interface Suspicion {
  readonly errno: number
  /** How long the train's datagrams are. */
  readonly trainBytes: number
}

/** Decides which headers stand for the unsent messages of one batch. */
export class SendPlanner {
  /** The refused train, until a datagram of it went out alone or failed as well. */
  suspicion: Suspicion | undefined
  /** How many headers the kernel has accepted since the last `reset`: single datagrams, and trains. */
  accepted = 0
  readonly #batch: SendBatch
  readonly #direct: DirectPlan
  readonly #coalesced: CoalescedPlan | undefined
  #segmented: SegmentPlan | undefined
  /** How many datagrams of the first unsent message are out. */
  #segments = 0
  /** Up to which message trains are not to be used, because one was refused. */
  #singlyUntil = 0

  constructor(batch: SendBatch, coalesced: CoalescedPlan | undefined) {
    this.#batch = batch
    this.#direct = new DirectPlan(batch.slots)
    this.#coalesced = coalesced
  }

  /** The headers for the messages from `batch.sent` to `end`, or for some of the first of them. */
  plan(end: number, trains: TrainSupport): SendPlan {
    const { sent, hasTrains } = this.#batch
    if (this.#coalesced === undefined && !hasTrains) return this.#direct.prepare(sent, end)
    const singly = sent < this.#singlyUntil ? Math.min(end, this.#singlyUntil) : 0
    const isInsideTrain = this.#segments > 0
    if (hasTrains && (singly > 0 || isInsideTrain || !trains.isOn)) {
      this.#segmented ??= new SegmentPlan(this.#batch.slots)
      const last = trains.isOn ? Math.max(singly, sent + 1) : end
      return this.#segmented.prepare(sent, last, this.#segments)
    }
    if (singly > 0) return this.#direct.prepare(sent, singly)
    if (this.#coalesced === undefined || !trains.isOn) return this.#direct.prepare(sent, end)
    return this.#coalesced.prepare(sent, end, trains.maxSegmentBytes)
  }

  /** Notes what the kernel accepted. */
  accept(plan: SendPlan, headers: number): void {
    const { messages, segments } = plan.accept(headers)
    this.#segments = segments
    this.accepted += headers
    this.#batch.advance(messages)
  }

  /** The plan's first header, a train, was refused: its messages go singly the next time. */
  avoidTrain(plan: SendPlan, errno: number): void {
    this.suspicion = { errno, trainBytes: plan.trainBytes }
    this.#singlyUntil = this.#batch.sent + plan.firstMessages
  }

  /** Forgets how far the first unsent message is. */
  reset(): void {
    this.suspicion = undefined
    this.accepted = 0
    this.#segments = 0
    this.#singlyUntil = 0
  }
}
