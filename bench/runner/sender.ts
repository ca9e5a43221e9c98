import type { Endpoint, EndpointLike } from '../../src/index.js'
import { BatchSender } from './batch-sender.js'
import { DgramSender } from './dgram-sender.js'
import { createSocket } from './drop-in.js'

/** What to send, where to, and how. */
export interface SendPlan {
  readonly destination: Endpoint
  /** Where to send from. */
  readonly bind: EndpointLike | undefined
  readonly connect: boolean
  readonly sizeBytes: number
  /** Messages a system call, where the mode can choose. */
  readonly batch: number
  /** Datagrams a train, where the mode sends trains. */
  readonly segments: number
  /** `once`: headers are built before the first round; `batch`: again for each batch. */
  readonly prepare: 'once' | 'batch'
  /** Undefined: as fast as it goes. */
  readonly packetsPerSecond: number | undefined
}

/** What a sender has done since `begin`. */
export interface SendCounts {
  /** Datagrams the kernel took. */
  packets: number
  /** Calls of sendmsg or sendmmsg, and of poll. */
  sendCalls: number
  pollCalls: number
  /** How often the socket could take nothing. */
  wouldBlock: number
  /** Datagrams given up. */
  errors: number
}

/** One way of sending. */
export interface Sender {
  readonly counts: SendCounts
  /** How many datagrams `prepare` makes ready. */
  readonly packetsPerBatch: number
  /** Starts a round: the counts and the sequence numbers begin again at 0. */
  begin(stream: number): void
  /** Makes a batch ready and sends nothing: what is measured as the cost of preparing. */
  prepare(): void
  /** Sends until the time is up. May block the thread, so slices are to be short. */
  sendSlice(untilMs: number): void | Promise<void>
  /** Waits until what was sent is as old as the rate asks. */
  settle(untilMs: number): void
  close(): void
}

/** Every way of sending, by the name it has on the command line. */
const SENDERS = {
  sendmsg: async (plan: SendPlan): Promise<Sender> => new BatchSender(plan, { messages: 1, segments: 1 }),
  sendmmsg: async (plan: SendPlan): Promise<Sender> => new BatchSender(plan, { messages: plan.batch, segments: 1 }),
  gso: async (plan: SendPlan): Promise<Sender> => new BatchSender(plan, { messages: 1, segments: plan.segments }),
  'sendmmsg+gso': async (plan: SendPlan): Promise<Sender> =>
    new BatchSender(plan, { messages: plan.batch, segments: plan.segments }),
  dgram: (plan: SendPlan): Promise<Sender> => DgramSender.open(plan),
  'batchconn-dgram': (plan: SendPlan): Promise<Sender> => DgramSender.open(plan, createSocket),
} as const

export type SendMode = keyof typeof SENDERS

export const SEND_MODES = Object.keys(SENDERS) as SendMode[]

/** Those that send trains, which not every path takes. */
export const TRAIN_MODES: readonly SendMode[] = ['gso', 'sendmmsg+gso']

/** Opens a socket that sends in the given way. */
export async function openSender(mode: SendMode, plan: SendPlan): Promise<Sender> {
  return SENDERS[mode](plan)
}
