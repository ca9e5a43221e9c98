import { setTimeout as sleep } from 'node:timers/promises'
import { BatchConn, endpoint, SendBatch } from '../../src/index.js'
import { HEADER_BYTES } from '../workload/payload-header.js'
import type { Receiver } from './receiver.js'

/**
 * Brings a receiver's `kernelDrops` up to date. The kernel tells its count with each datagram it queues (SO_RXQ_OVFL),
 * so of what is dropped after the last one it tells with the next: here is one, from the receiver to itself.
 */
export async function learnLatestDrops(receiver: Receiver): Promise<void> {
  if (receiver.kernelDrops === null) return
  const before = receiver.counts.datagrams
  try {
    sendToItself(receiver)
  } catch {
    // No way to oneself (a namespace without lo): the count stays what it is.
    return
  }
  for (let waitedMs = 0; waitedMs < PATIENCE_MS && receiver.counts.datagrams === before; waitedMs += 2) await sleep(2)
}

function sendToItself({ localAddress: { address, family, port } }: Receiver): void {
  const conn = BatchConn.open({ family })
  try {
    const batch = new SendBatch({ capacity: 1, slotBytes: HEADER_BYTES })
    // All zero: stream 0, which no account is kept of.
    batch.append(new Uint8Array(HEADER_BYTES), endpoint({ address: LOOPBACK[address] ?? address, port }))
    conn.send(batch)
  } finally {
    conn.close()
  }
}

const LOOPBACK: Record<string, string> = { '0.0.0.0': '127.0.0.1', '::': '::1' }
const PATIENCE_MS = 50
