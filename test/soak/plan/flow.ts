import type { Family, MessageOptions } from '../../../src/index.js'

/** Which of the library's sockets it is. A `worker` is a BatchConn in a worker thread that blocks. */
export type Api = 'BatchConn' | 'worker' | 'drop-in'

/** How a BatchConn on the event loop receives. */
export type ReceiveKind = 'onReadable' | 'batches' | 'readable'

/**
 * How a socket fills its batches: `plain` mixes copies, lists of pieces, `reserve` and references; `coalesce` leaves GSO
 * to the batch; `segments` sets `segmentBytes` per message.
 */
export type SendKind = 'plain' | 'coalesce' | 'segments'

/** `any`: up to 65,507 bytes; `packet`: up to one MTU of 1500; `short`: 0 to 11 bytes, too short for a header. */
export type SizeKind = 'any' | 'packet' | 'short'

/**
 * Where datagrams of a flow may be lost, after the kernel accepted them. Each place has a counter, so that the account
 * closes exactly. `none`: the sender never has more on the way than the receive buffer holds.
 */
export type LossKind = 'none' | 'receive buffer' | 'nft' | 'device queue'

/** What a socket sends. */
export interface SendSpec {
  /** Names of the sockets it sends to, in turn. */
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
  /** The memory of some references is transferred away before the batch is sent. */
  readonly detaches: boolean
  /** The error codes with which single messages may fail here. */
  readonly mayFail: readonly string[]
}

/** One socket of the soak. It is plain data: it goes to the process, or the thread, that opens the socket. */
export interface SocketSpec {
  readonly name: string
  /** The process it lives in. */
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

/** What one socket has sent in one flow. All numbers are datagrams. */
export interface Sent {
  /** Handed to the library. */
  offered: number
  /** Of these, accepted by the kernel, as the library reported. */
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

/** What one socket has received of one flow. */
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
  /** Datagrams (GRO buffers of a socket with GRO) that the kernel dropped at the socket, reopened ones included. */
  kernelDrops: number
  /** What went wrong, in words; each is a violation. */
  readonly problems: string[]
}

/** Receive buffer space that one datagram takes at most: data, its `sk_buff` and the rounding of allocations. */
export function bufferCost(byteLength: number): number {
  return 2 * byteLength + 1280
}
