import type { Family, MessageOptions } from '../../../src/index.js'

/** Class of the library's sockets. A `worker` is a BatchConn in a worker thread that blocks. */
export type Api = 'BatchConn' | 'worker' | 'drop-in'

/** Method by which a BatchConn on the event loop receives. */
export type ReceiveKind = 'onReadable' | 'batches' | 'readable'

/**
 * Method by which a socket fills its batches: `plain` mixes copies, lists of pieces, `reserve` and references;
 * `coalesce` leaves GSO to the batch; `segments` sets `segmentBytes` per message.
 */
export type SendKind = 'plain' | 'coalesce' | 'segments'

/** `any`: up to 65,507 bytes; `packet`: up to one MTU of 1500; `short`: 0 to 11 bytes, too short for a header. */
export type SizeKind = 'any' | 'packet' | 'short'

/**
 * Component that may drop datagrams of a flow after the kernel accepted them. Each has a counter, so that the number of
 * missing datagrams must be exactly 0. `none`: the sender never has more data in flight than the receive buffer holds.
 */
export type LossKind = 'none' | 'receive buffer' | 'nft' | 'device queue'

/** Traffic of a socket. */
export interface SendSpec {
  /** Names of the sockets it sends to, alternately. */
  readonly to: readonly string[]
  readonly kind: SendKind
  readonly sizes: SizeKind
  /** Datagrams per second. */
  readonly perSecond: number
  /** Connected to its only destination. */
  readonly connected: boolean
  readonly options: MessageOptions | undefined
  readonly loss: LossKind
  /** Some calls of `sendAll` are aborted, and resumed. */
  readonly aborts: boolean
  /** The memory of some references is transferred before the batch is sent. */
  readonly detaches: boolean
  /** Error codes with which single messages may fail. */
  readonly mayFail: readonly string[]
}

/** One socket of the soak. It is plain data, because it is passed to the process or thread that opens the socket. */
export interface SocketSpec {
  readonly name: string
  /** Process that opens it. */
  readonly process: string
  /** The network namespace of the process, by the soak's name for it. */
  readonly network: string
  readonly api: Api
  readonly family: Family
  readonly address: string
  readonly port: number
  readonly receive: ReceiveKind
  readonly gro: boolean
  readonly gso: boolean
  readonly receiveBufferBytes: number
  readonly recvErrors: boolean
  readonly send: SendSpec | undefined
}

/** The datagrams from one socket to one other, numbered from 0. */
export interface Flow {
  /** At most 65,535: it is in the header of each datagram. */
  readonly id: number
  readonly from: SocketSpec
  readonly to: SocketSpec
  readonly loss: LossKind
}

/** Datagrams that one socket has sent in one flow. */
export interface Sent {
  /** Passed to the library. */
  offered: number
  /** Of these, accepted by the kernel, as reported by the library. */
  accepted: number
  /** Of these, failed, by error code. */
  failed: Record<string, number>
  /** Accepted while the receiving socket was closed. */
  toClosedPort: number
  /** Network errors that the socket reported for those. */
  refused: number
  /** Send callbacks of the drop-in that have not been called yet. */
  pendingCallbacks: number
  /** Calls of `sendAll` that were aborted and resumed. */
  aborted: number
}

/** Datagrams that one socket has received of one flow. */
export interface Received {
  delivered: number
  bytes: number
  /** Estimated receive buffer space of the delivered datagrams: `bufferCost`. */
  cost: number
  duplicates: number
  reordered: number
  corrupt: number
}

/** Counts of one socket. */
export interface SocketCounts {
  readonly name: string
  /** By flow. */
  readonly sent: Record<number, Sent>
  readonly received: Record<number, Received>
  /**
   * Datagrams (GRO buffers of a socket with GRO) that the kernel dropped at the socket, including the sockets before it
   * in its place.
   */
  kernelDrops: number
  /** Problems as text; each is a violation. */
  readonly problems: string[]
}

/** Maximum receive buffer space that one datagram uses: data, its `sk_buff` and the rounding of allocations. */
export function bufferCost(byteLength: number): number {
  return 2 * byteLength + 1280
}
