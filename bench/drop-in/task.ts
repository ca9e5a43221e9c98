import type { DropInPlan, MEASURES } from '../options/local-options.js'

export type Measure = (typeof MEASURES)[number]
/** node:dgram, or the drop-in with or without GSO and GRO. */
export type Candidate = 'dgram' | 'batchconn-dgram' | 'batchconn-dgram, no GSO' | 'batchconn-dgram, no GRO'

/** The candidates of each measure: those for which it makes a difference. */
export const CANDIDATES: Readonly<Record<Measure, readonly Candidate[]>> = {
  send: ['dgram', 'batchconn-dgram, no GSO', 'batchconn-dgram'],
  receive: ['dgram', 'batchconn-dgram, no GRO', 'batchconn-dgram'],
  'round-trip': ['dgram', 'batchconn-dgram'],
  kept: ['dgram', 'batchconn-dgram, no GRO', 'batchconn-dgram'],
  sockets: ['dgram', 'batchconn-dgram'],
}

/** What a worker process does: one candidate's part of one round. */
export interface Task extends Pick<DropInPlan, 'sizeBytes' | 'to' | 'destinations' | 'grouped' | 'sends' | 'sockets'> {
  /** `echo` is the other end of a round trip. */
  readonly measure: Measure | 'echo'
  readonly candidate: Candidate
  /** Number of datagrams, of round trips, or of ticks. */
  readonly count: number
}

/** The figures of one round, by name and unit (`median us`); null if one could not be measured. */
export type Figures = Readonly<Record<string, number | null>>
