import type { HostPort } from '../options/parse-host-port.js'

/** What is measured of a socket, in a process of its own. */
export type Measure = 'send' | 'receive' | 'round-trip' | 'kept' | 'sockets'

export const MEASURES: readonly Measure[] = ['send', 'receive', 'round-trip', 'kept', 'sockets']

/** Whose socket: node:dgram's, or the drop-in's, sending trains (GSO) and taking them whole (GRO) or not. */
export type Contender = 'dgram' | 'batchconn-dgram' | 'batchconn-dgram, no GSO' | 'batchconn-dgram, no GRO'

/** Which contenders a measure makes a difference for. */
export const CONTENDERS: Readonly<Record<Measure, readonly Contender[]>> = {
  send: ['dgram', 'batchconn-dgram, no GSO', 'batchconn-dgram'],
  receive: ['dgram', 'batchconn-dgram, no GRO', 'batchconn-dgram'],
  'round-trip': ['dgram', 'batchconn-dgram'],
  kept: ['dgram', 'batchconn-dgram, no GRO', 'batchconn-dgram'],
  sockets: ['dgram', 'batchconn-dgram'],
}

/** What a worker is started with. */
export interface Task {
  /** `echo` is the other end of a round trip. */
  readonly measure: Measure | 'echo'
  readonly contender: Contender
  readonly sizeBytes: number
  /** How many datagrams, or round trips. */
  readonly count: number
  /** Where to send, for `send`: undefined for a socket of the worker's own. */
  readonly to?: HostPort | undefined
  /** To how many addresses, from that one on. */
  readonly peers: number
  /** Number of sockets, for `sockets`. */
  readonly sockets: number
}

/** The figures of one round by name, with their unit: `median us`. */
export type Figures = Readonly<Record<string, number>>
