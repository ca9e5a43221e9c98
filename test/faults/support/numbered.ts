import { setTimeout as sleep } from 'node:timers/promises'
import { type BatchConn, type Endpoint, type RecvBatch, SendBatch, type SendBatchOptions } from '../../../src/index.js'

/**
 * A batch of messages that contain their numbers, from `first` on, so that received messages can be compared with sent
 * ones.
 */
export function numberedBatch(
  count: number,
  byteLength: number,
  destination?: Endpoint,
  options: SendBatchOptions & { first?: number } = {},
): SendBatch {
  const { first = 0, ...batchOptions } = options
  const batch = new SendBatch({ capacity: count, slotBytes: byteLength, ...batchOptions })
  for (let index = 0; index < count; index += 1) batch.append(numbered(first + index, byteLength), destination)
  return batch
}

/** A payload that begins with its number. */
export function numbered(number: number, byteLength: number): Buffer {
  const payload = Buffer.alloc(byteLength, number)
  payload.writeUInt32BE(number)
  return payload
}

/** Datagrams that a receiver received. */
export interface Arrival {
  /** Numbers of the datagrams, in the order of their arrival. */
  readonly numbers: number[]
  /** Number of GRO buffers with more than one datagram: only a sender that used GSO causes them here. */
  coalesced: number
}

/** Receives until no datagram is left. */
export function arrivals(conn: BatchConn, inbox: RecvBatch, into: Arrival = { numbers: [], coalesced: 0 }): Arrival {
  while (conn.recv(inbox) > 0) {
    for (const { bytes } of inbox) into.numbers.push(bytes.readUInt32BE())
    for (let index = 0; index < inbox.length; index += 1) {
      if (inbox.segmentBytes(index) < inbox.size(index)) into.coalesced += 1
    }
  }
  return into
}

/** The numbers from `first` on. */
export function range(count: number, first = 0): number[] {
  return Array.from({ length: count }, (_, index) => first + index)
}

/** Waits until a condition holds, three seconds at most. What is missing then fails the assertions that follow. */
export async function eventually(condition: () => boolean): Promise<void> {
  for (let round = 0; round < 300 && !condition(); round += 1) await sleep(10)
}
