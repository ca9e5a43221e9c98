import type { ReceiveMode, SendMode } from '../traffic/modes.js'
import type { HostPort } from '../traffic/resolve.js'

/** Programs in other languages that can take part. */
export const PEER_NAMES = ['c', 'go'] as const
/** One of them. */
export type PeerName = (typeof PEER_NAMES)[number]
/** The modes that the programs in other languages have; Go has no GSO. */
export const PEER_MODES = ['sendmsg', 'sendmmsg', 'gso'] as const

/** What `send` and `compare` measure. */
export interface ThroughputPlan {
  readonly command: 'send' | 'compare'
  /** In the order given; ratios refer to the first. */
  readonly modes: readonly SendMode[]
  /** Programs in other languages, which do what the first mode does. */
  readonly peers: readonly PeerName[]
  /** Undefined: to a receiver that the command starts. */
  readonly to: HostPort | undefined
  /** Source address; port 0 if none was given. */
  readonly bind: HostPort | undefined
  readonly sizeBytes: number
  /** Messages per system call. */
  readonly batch: number
  /** Datagrams per GSO send: as requested, or as many as fit. */
  readonly segments: number
  /** Per round. */
  readonly durationSeconds: number
  /** Per candidate. */
  readonly rounds: number
  /** Warm-up before the first round, not reported. */
  readonly omitSeconds: number
  /** False: each message carries its destination. */
  readonly connect: boolean
  /** When headers are built: before the first round, or for each batch. */
  readonly prepare: 'once' | 'batch'
  /** Undefined: unlimited. */
  readonly packetsPerSecond: number | undefined
  /** Whether the receiver reports what arrived. */
  readonly control: boolean
  /** Shared secret of the control connection. */
  readonly token: string | undefined
  /** Between reports within a round; 0 disables them. */
  readonly intervalSeconds: number
  /** Seed of the round order. */
  readonly seed: number
  readonly json: boolean
  readonly quiet: boolean
}

/** How `recv` receives. */
export interface RecvPlan {
  /** Without a host: every address, IPv6 and IPv4. */
  readonly listen: { readonly host?: string; readonly port: number }
  readonly mode: ReceiveMode
  /** Datagrams per system call. */
  readonly batch: number
  /** Slot size; a sender that announces larger datagrams gets larger slots. */
  readonly sizeBytes: number
  /** Undefined: until a signal. */
  readonly durationSeconds: number | undefined
  /** 0 disables progress. */
  readonly intervalSeconds: number
  /** Whether senders can connect over TCP. */
  readonly control: boolean
  readonly token: string | undefined
  readonly json: boolean
  readonly quiet: boolean
  /** Started by a sender: reports the port over the IPC channel and ends with its parent. */
  readonly announce: boolean
}
