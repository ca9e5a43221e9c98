import * as nodeDgram from 'node:dgram'
import { once } from 'node:events'
import { createSocket } from '../../src/dgram/index.js'
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
export interface Task extends DropInPlan {
  /** `echo` is the other end of a round trip. */
  readonly measure: Measure | 'echo'
  readonly candidate: Candidate
  /** Number of datagrams, of round trips, or of ticks. */
  readonly count: number
}

/** The figures of one round, by name and unit (`median us`); null if one could not be measured. */
export type Figures = Readonly<Record<string, number | null>>

export async function openSocket(candidate: Candidate, address = '127.0.0.1'): Promise<nodeDgram.Socket> {
  const options = { type: 'udp4', recvBufferSize: RECEIVE_BUFFER_BYTES } as const
  const socket =
    candidate === 'dgram'
      ? nodeDgram.createSocket(options)
      : createSocket({ ...options, gso: candidate !== 'batchconn-dgram, no GSO', gro: candidate === 'batchconn-dgram' })
  socket.bind(0, address)
  await once(socket, 'listening')
  return socket
}

/** Limited by net.core.rmem_max. */
const RECEIVE_BUFFER_BYTES = 16 << 20
