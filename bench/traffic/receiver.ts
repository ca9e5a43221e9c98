import type { Endpoint, FeatureStatus } from '../../src/index.js'
import type { Streams } from './streams.js'

export interface ReceivePlan {
  readonly listen: Endpoint
  /** Datagrams per system call, for the modes that batch. */
  readonly batch: number
  readonly sizeBytes: number
}

export interface Receiver {
  /** Totals since the receiver was opened. */
  readonly counts: { readonly datagrams: number; readonly bytes: number }
  /** Maximum number of messages per system call. */
  readonly batch: number
  /** Whether it receives coalesced datagrams (GRO), and why. */
  readonly gro: FeatureStatus
  readonly localAddress: Endpoint
  readonly receiveBufferBytes: number
  /** Datagrams dropped because the socket was full, a GRO buffer counted as one; null if unknown. */
  readonly kernelDrops: number | null
  /** Makes the slots at least this large. */
  makeRoom(sizeBytes: number): void
  run(streams: Streams, signal: AbortSignal): Promise<void>
  close(): void
}

/** Requested receive buffer: some milliseconds at 10 Gbit/s, so that short pauses lose nothing. */
export const WANTED_RECEIVE_BUFFER_BYTES = 32 * 2 ** 20
