import type { Endpoint, FeatureStatus } from '../../src/index.js'
import type { StreamLedger } from '../workload/stream-ledger.js'
import { BatchReceiver } from './batch-receiver.js'
import { DgramReceiver } from './dgram-receiver.js'
import { createSocket } from './drop-in.js'

/** Where and how to receive. */
export interface ReceivePlan {
  readonly listen: Endpoint
  /** Datagrams a system call, where the mode can choose. */
  readonly batch: number
  /** Room for a datagram. */
  readonly sizeBytes: number
}

/** What a receiver has done since it was opened. */
export interface ReceiveCounts {
  readonly datagrams: number
  readonly bytes: number
}

/** One way of receiving. */
export interface Receiver {
  readonly counts: ReceiveCounts
  /** Messages a system call at the most. */
  readonly batch: number
  /** Whether it takes trains whole (GRO), and why. */
  readonly gro: FeatureStatus
  readonly localAddress: Endpoint
  /** SO_RCVBUF as granted. */
  readonly receiveBufferBytes: number
  /** What the kernel dropped for want of room, a train as one; null where it cannot be told. */
  readonly kernelDrops: number | null
  /** Makes room for datagrams of this size. */
  makeRoom(sizeBytes: number): void
  /** Receives into the ledger until the signal is aborted. */
  run(ledger: StreamLedger, signal: AbortSignal): Promise<void>
  close(): void
}

/** Every way of receiving, by the name it has on the command line. */
const RECEIVERS = {
  recvmmsg: async (plan: ReceivePlan): Promise<Receiver> => new BatchReceiver(plan, plan.batch, false),
  recvmsg: async (plan: ReceivePlan): Promise<Receiver> => new BatchReceiver(plan, 1, false),
  gro: async (plan: ReceivePlan): Promise<Receiver> => new BatchReceiver(plan, plan.batch, true),
  dgram: (plan: ReceivePlan): Promise<Receiver> => DgramReceiver.open(plan),
  'batchconn-dgram': (plan: ReceivePlan): Promise<Receiver> => DgramReceiver.open(plan, createSocket),
} as const

export type ReceiveMode = keyof typeof RECEIVERS

export const RECEIVE_MODES = Object.keys(RECEIVERS) as ReceiveMode[]

/** Opens a socket that receives in the given way. */
export async function openReceiver(mode: ReceiveMode, plan: ReceivePlan): Promise<Receiver> {
  return RECEIVERS[mode](plan)
}

/** What to ask for: some milliseconds of 10 Gbit/s, so that a busy machine's hiccups cost nothing. */
export const WANTED_RECEIVE_BUFFER_BYTES = 32 * 2 ** 20
