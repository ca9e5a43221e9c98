import type { Endpoint, EndpointLike } from '../../src/index.js'
import { Failure } from '../cli/run-command.js'

export interface SocketPlan {
  readonly destination: Endpoint
  readonly bind: EndpointLike | undefined
  readonly connect: boolean
}

export interface SendPlan extends SocketPlan {
  readonly sizeBytes: number
  /** Messages per system call, for the modes that batch. */
  readonly batch: number
  /** Datagrams per GSO send, for the modes with GSO. */
  readonly segments: number
  /** Payload buffers that the modes with GSO use in turn. */
  readonly buffers: number
  /** `once`: headers are built before the first round; `batch`: for each batch. */
  readonly prepare: 'once' | 'batch'
  /** Undefined: unlimited. */
  readonly packetsPerSecond: number | undefined
  /** A rate-limited sender sends at most what is due in this time at once. */
  readonly burstMs: number
  /** The queueing discipline fq is on the interface and can pace the socket (SO_MAX_PACING_RATE). */
  readonly hasFq: boolean
}

export interface SendCounts {
  /** Datagrams the kernel accepted. */
  packets: number
  /** Calls of sendmsg and sendmmsg. */
  sendCalls: number
  /** How often the socket was full; each is followed by one poll. */
  wouldBlock: number
  /** Datagrams given up. */
  errors: number
  /** Rate-limited only: the largest number of datagrams that left without a wait between them because all were due. */
  largestBurst?: number | undefined
}

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

/** Describes an error that every further datagram would have as well. */
export function sendFailure(error: unknown, destination: Endpoint): Failure {
  const { code, message } = error as NodeJS.ErrnoException
  const reason = (code !== undefined && REASONS[code]) || message
  const failure = new Failure(`cannot send to ${destination}: ${reason}${code === undefined ? '' : ` (${code})`}`)
  failure.cause = error
  return failure
}

/** The errors of a route whose interface was removed. */
const GONE = 'no route; was the interface removed?'

const REASONS: Record<string, string> = {
  ENETUNREACH: GONE,
  ENETDOWN: GONE,
  ENODEV: GONE,
  ENXIO: GONE,
  EADDRNOTAVAIL: 'the source address is not on this host; was the interface removed?',
  EHOSTUNREACH: 'the host is unreachable',
  EMSGSIZE: 'the datagrams are too long for the path',
  EPERM: 'rejected by a firewall',
  EACCES: 'not permitted (a broadcast address?)',
  EINVAL: 'this address cannot be reached from this socket',
}
