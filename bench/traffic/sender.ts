import type { Endpoint, EndpointLike } from '../../src/index.js'

/** What to send, where to, and how. */
export interface SendPlan {
  readonly destination: Endpoint
  /** Source address. */
  readonly bind: EndpointLike | undefined
  readonly connect: boolean
  readonly sizeBytes: number
  /** Messages per system call, for the modes that batch. */
  readonly batch: number
  /** Datagrams per GSO send, for the modes with GSO. */
  readonly segments: number
  /** `once`: headers are built before the first round; `batch`: for each batch. */
  readonly prepare: 'once' | 'batch'
  /** Undefined: unlimited. */
  readonly packetsPerSecond: number | undefined
}

/** Counts since `begin`. */
export interface SendCounts {
  /** Datagrams the kernel accepted. */
  packets: number
  /** Calls of sendmsg and sendmmsg. */
  sendCalls: number
  /** How often the socket was full; each is followed by one poll. */
  wouldBlock: number
  /** Datagrams given up. */
  errors: number
}

/** One way of sending. */
export interface Sender {
  readonly counts: SendCounts
  /** Number of datagrams that `prepare` makes ready. */
  readonly packetsPerBatch: number
  /** Starts a round: counts and sequence numbers start again at 0. */
  begin(stream: number): void
  /** Makes a batch ready without sending it. */
  prepare(): void
  /** Sends until the time is up. It may block the thread, so slices must be short. */
  sendSlice(untilMs: number): void | Promise<void>
  /** Waits until the packet after the last one is due, if the rate is limited. */
  settle(untilMs: number): void
  close(): void
}
