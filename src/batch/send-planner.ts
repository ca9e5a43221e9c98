import type { Endpoint } from '../endpoint/endpoint.js'
import type { CoalescedPlan } from './coalesced-plan.js'
import { SegmentPlan } from './segment-plan.js'
import { DirectPlan, type Offload, type PlannedMessages, type SendPlan } from './send-plan.js'

/** A GSO send that the kernel rejected, retried as single datagrams to learn whether GSO caused the error. */
export interface RejectedGso {
  readonly errno: number
  readonly segmentBytes: number
  readonly destination: Endpoint | undefined
  /** The socket it was sent on: a batch can be sent on several. */
  readonly offload: Offload
}

/** Decides which headers stand for the unsent messages of one batch. */
export class SendPlanner {
  /** The rejected GSO send, until a segment of it was accepted alone or failed as well. */
  rejected: RejectedGso | undefined
  /** Number of headers the kernel has accepted since the last `reset`: single datagrams and GSO sends. */
  accepted = 0
  readonly #messages: PlannedMessages
  readonly #direct: DirectPlan
  readonly #coalesced: CoalescedPlan | undefined
  #segmented: SegmentPlan | undefined
  /** Number of segments of the first unsent message that are out. */
  #segments = 0
  /** Up to this message GSO is not used, because a GSO send was rejected. */
  #singlyUntil = 0

  constructor(messages: PlannedMessages, coalesced: CoalescedPlan | undefined) {
    this.#messages = messages
    this.#direct = new DirectPlan(messages.slots)
    this.#coalesced = coalesced
  }

  /** The headers for the messages from `sent` to `end`, or for some of the first of them. */
  plan(end: number, offload: Offload): SendPlan {
    const { sent, segmented } = this.#messages
    if (this.#coalesced === undefined && segmented === 0) return this.#direct.prepare(sent, end)
    const singly = sent < this.#singlyUntil ? Math.min(end, this.#singlyUntil) : 0
    if (segmented > 0 && (singly > 0 || this.#mustCut(offload))) {
      this.#segmented ??= new SegmentPlan(this.#messages.slots)
      const last = offload.isOn ? Math.max(singly, sent + 1) : end
      return this.#segmented.prepare(sent, last, this.#segments)
    }
    if (singly > 0) return this.#direct.prepare(sent, singly)
    if (this.#coalesced === undefined || !offload.isOn) return this.#direct.prepare(sent, end)
    return this.#coalesced.prepare(sent, end, offload)
  }

  /** Notes what the kernel accepted. */
  accept(plan: SendPlan, headers: number): void {
    const { messages, segments } = plan.accept(headers)
    this.#segments = segments
    this.accepted += headers
    this.#messages.advance(messages)
  }

  /** The plan's first header, a GSO send, was rejected: its messages are sent singly the next time. */
  avoidGso(plan: SendPlan, errno: number, offload: Offload): void {
    const { sent } = this.#messages
    const destination = this.#messages.destination(sent)
    this.rejected = { errno, segmentBytes: plan.segmentBytes, destination, offload }
    this.#singlyUntil = sent + plan.firstMessages
  }

  /** Forgets how far the first unsent message is. */
  reset(): void {
    this.rejected = undefined
    this.accepted = 0
    this.#segments = 0
    this.#singlyUntil = 0
  }

  /** True if the first unsent message cannot be a GSO send now, or is partly out. */
  #mustCut(offload: Offload): boolean {
    if (this.#segments > 0 || !offload.isOn) return true
    const { sent, slots } = this.#messages
    return slots.segmentBytes(sent) > offload.maxSegmentBytes(this.#messages.destination(sent))
  }
}
