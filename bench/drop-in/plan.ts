import type { HostPort } from '../traffic/resolve.js'

/** What is measured of a socket, each in a process of its own. */
export const MEASURES = ['send', 'receive', 'round-trip', 'kept', 'sockets'] as const
export type Measure = (typeof MEASURES)[number]

/** A candidate: node:dgram, or the drop-in with or without GSO and GRO. */
export type Candidate = 'dgram' | 'batchconn-dgram' | 'batchconn-dgram, no GSO' | 'batchconn-dgram, no GRO'

/** The candidates of each measure: those for which it makes a difference. */
export const CANDIDATES: Readonly<Record<Measure, readonly Candidate[]>> = {
  send: ['dgram', 'batchconn-dgram, no GSO', 'batchconn-dgram'],
  receive: ['dgram', 'batchconn-dgram, no GRO', 'batchconn-dgram'],
  'round-trip': ['dgram', 'batchconn-dgram'],
  kept: ['dgram', 'batchconn-dgram, no GRO', 'batchconn-dgram'],
  sockets: ['dgram', 'batchconn-dgram'],
}

/** What `drop-in` measures. */
export interface DropInPlan {
  readonly measures: readonly Measure[]
  readonly rounds: number
  /** A tenth of the datagrams, round trips and ticks in each round. */
  readonly isQuick: boolean
  readonly sizeBytes: number
  /** Number of datagrams that `kept` keeps. */
  readonly kept: number
  /** First destination of `send`; undefined for a socket on loopback whose datagrams are not read. */
  readonly to: HostPort | undefined
  /** Number of consecutive addresses that `send` sends to, in turn. */
  readonly destinations: number
  /** Number of sockets that send one datagram per tick. */
  readonly sockets: number
  /** Processor of all processes; undefined for any. */
  readonly cpu: number | undefined
  readonly seed: number
  readonly json: boolean
  readonly quiet: boolean
}

/** What a worker process does: one candidate's part of one round. */
export interface Task extends Pick<DropInPlan, 'sizeBytes' | 'to' | 'destinations' | 'sockets'> {
  /** `echo` is the other end of a round trip. */
  readonly measure: Measure | 'echo'
  readonly candidate: Candidate
  /** Number of datagrams, of round trips, or of ticks. */
  readonly count: number
}

/** The figures of one round, by name and unit (`median us`); null if one could not be measured. */
export type Figures = Readonly<Record<string, number | null>>
