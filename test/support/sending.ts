import { messagesOf } from '../../src/batch/send-batch.js'
import { DestinationKind } from '../../src/endpoint/endpoint.js'
import type { SendBatch } from '../../src/index.js'
import type { Libc } from '../../src/libc/libc.js'
import { BatchedCalls } from '../../src/socket/batched-calls.js'
import type { SegmentationOffload } from '../../src/socket/segmentation-offload.js'
import { type Sending, transmit } from '../../src/socket/transmit.js'

/** Sends a batch of IPv4 messages over a scripted libc. */
export function transmitScripted(
  libc: Libc,
  offload: SegmentationOffload,
  batch: SendBatch,
  parts: Partial<Sending> = {},
): number {
  const sending = {
    calls: new BatchedCalls(libc, 3),
    supported: DestinationKind.ipv4,
    offload,
    isOwnError: () => false,
    ...parts,
  }
  const messages = messagesOf(batch)
  if (messages === undefined) throw new TypeError('not a SendBatch')
  return transmit(sending, messages)
}
