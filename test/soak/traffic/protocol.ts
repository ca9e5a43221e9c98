import type { SocketCounts } from '../plan/flow.js'
import type { OutgoingChanges } from './outgoing.js'
import type { PeerOptions } from './peer.js'

/** Commands to a process with traffic: one line of JSON each, and one line per answer. */
export type Command =
  | { readonly do: 'begin'; readonly sampleMs: number }
  | { readonly do: 'open'; readonly options: PeerOptions }
  | { readonly do: SocketAction; readonly name: string }
  | { readonly do: 'update'; readonly name: string; readonly flow: number; readonly changes: OutgoingChanges }
  | { readonly do: 'credit'; readonly costs: Credit['costs'] }
  | { readonly do: 'counts' | 'churn' | 'end' }

/** Operations on one socket. */
export type SocketAction = 'connect' | 'resume' | 'pause' | 'shut' | 'open again' | 'close'

/** The answer to a command. */
export interface Answer {
  readonly id: number
  readonly result?: unknown
  readonly error?: string
}

/** The result of `counts`. */
export interface ProcessCounts {
  readonly sockets: readonly SocketCounts[]
  readonly churn: ChurnCounts
  readonly signals: number
}

/** Counts of the workers that were terminated while they sent. */
export interface ChurnCounts {
  readonly workers: number
  readonly datagrams: number
  readonly problems: readonly string[]
}

/** Result of `end`: target of each open descriptor, before the first socket and after the last. */
export interface Descriptors {
  readonly before: readonly string[]
  readonly after: readonly string[]
}

/** Memory and descriptors of a process, after a garbage collection. */
export interface Sample {
  readonly event: 'sample'
  /** Since the start of the process. */
  readonly seconds: number
  readonly rss: number
  readonly heapUsed: number
  /** `external` of `process.memoryUsage()`, which contains `arrayBuffers`. */
  readonly external: number
  readonly arrayBuffers: number
  readonly descriptors: number
  /** Datagrams received until now. */
  readonly delivered: number
}

/** Receive buffer space that receivers have released for senders in other processes, by flow. */
export interface Credit {
  readonly event: 'credit'
  readonly costs: Record<number, number>
}

export type ProcessEvent = Sample | Credit
