import type { Endpoint } from '../endpoint/endpoint.js'
import type { CoalescedPlan } from './coalesced-plan.js'
import { SegmentPlan } from './segment-plan.js'
import { DirectPlan, type Offload, type PlannedMessages, type Progress, type SendPlan } from './send-plan.js'

/** A GSO send that the kernel rejected, retried as single datagrams to learn whether GSO caused the error. */
export interface RejectedGso {
  readonly errno: number
  readonly segmentBytes: number
  readonly destination: Endpoint | undefined
  /** Offload of the socket that sent it: a batch can be sent on several. */
  readonly offload: Offload
}

/** Chooses the headers for the unsent messages of one batch. */
export class SendPlanner {
  /** Rejected GSO send, until one of its segments was accepted or failed as a single datagram. */
  rejected: RejectedGso | undefined
  /** Number of headers the kernel has accepted since the last `reset`: single datagrams and GSO sends. */
  accepted = 0
  readonly #messages: PlannedMessages
  readonly #direct: DirectPlan
  readonly #coalesced: CoalescedPlan | undefined
  #segmented: SegmentPlan | undefined
  #segments = 0
  /** Position up to which GSO is not used, because a GSO send was rejected. */
  #singlyUntil = 0

  constructor(messages: PlannedMessages, coalesced: CoalescedPlan | undefined) {
    this.#messages = messages
    this.#direct = new DirectPlan(messages)
    this.#coalesced = coalesced
  }

  /** Returns the headers for the positions from `sent` to `end`, or for the first part of them. */
  plan(end: number, offload: Offload): SendPlan {
    const { sent, segmented } = this.#messages
    const isDirect = this.#coalesced === undefined || (end - sent === 1 && !this.#messages.order.isChanged)
    if (isDirect && segmented === 0) return this.#direct.prepare(sent, end)
    const singly = sent < this.#singlyUntil ? Math.min(end, this.#singlyUntil) : 0
    if (segmented > 0 && (singly > 0 || this.#mustCut(offload))) {
      this.#segmented ??= new SegmentPlan(this.#messages)
      const last = offload.isOn ? Math.max(singly, sent + 1) : end
      return this.#segmented.prepare(sent, last, this.#segments)
    }
    const isCoalescing = this.#coalesced !== undefined && singly === 0 && offload.isOn
    if (isCoalescing) this.#messages.order.group(sent, end)
    // Only the batch's own headers in their own order require no plan of their own.
    if (isCoalescing || (this.#coalesced !== undefined && this.#messages.order.isChanged)) {
      return this.#coalesced.prepare(sent, singly || end, isCoalescing ? offload : undefined)
    }
    return this.#direct.prepare(sent, singly || end)
  }

  /** Number of segments of the next message that are already sent. */
  get segments(): number {
    return this.#segments
  }

  /** Records the headers that the kernel accepted. @returns the progress, valid until the plan's next call */
  accept(plan: SendPlan, headers: number): Progress {
    const progress = plan.accept(headers)
    this.#segments = progress.segments
    this.accepted += headers
    this.#messages.advance(progress.messages)
    return progress
  }

  /** Records that the plan's first header, a GSO send, was rejected. Its messages are next sent as single datagrams. */
  avoidGso(plan: SendPlan, errno: number, offload: Offload): void {
    const { sent } = this.#messages
    const destination = this.#messages.destination(this.#messages.order.slotAt(sent))
    this.rejected = { errno, segmentBytes: plan.segmentBytes, destination, offload }
    this.#singlyUntil = sent + plan.firstMessages
  }

  /** Resets the segment count and the rejected send. */
  reset(): void {
    this.rejected = undefined
    this.accepted = 0
    this.#segments = 0
    this.#singlyUntil = 0
  }

  /** Returns true if the next message cannot be a GSO send now, or is partly sent. */
  #mustCut(offload: Offload): boolean {
    if (this.#segments > 0 || !offload.isOn) return true
    const { sent, slots, order } = this.#messages
    const slot = order.slotAt(sent)
    return slots.segmentBytes(slot) > offload.maxSegmentBytes(this.#messages.destination(slot))
  }
}
