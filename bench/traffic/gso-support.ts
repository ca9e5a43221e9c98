import { BatchConn, type Endpoint, SendBatch } from '../../src/index.js'
import { HEADER_BYTES } from './payload-header.js'
import type { SendPlan } from './sender.js'

/**
 * Returns why GSO to the plan's destination is not supported; undefined if it is. It makes one GSO send, because the device
 * may reject what the kernel supports. The send belongs to stream 0, which receivers do not count.
 */
export function gsoUnsupportedReason({ destination, sizeBytes, segments }: SendPlan): string | undefined {
  const conn = BatchConn.open({ family: destination.family })
  try {
    conn.connect(destination)
    const { mtu } = conn.options
    if (sizeBytes + headerBytes(destination) > mtu) {
      return `datagrams of ${sizeBytes} bytes do not fit the MTU of ${mtu}, and GSO segments cannot be fragmented`
    }
    // Shorter datagrams have no stream number, and would be counted.
    const segmentBytes = Math.max(sizeBytes, HEADER_BYTES)
    const batch = new SendBatch({ capacity: 1, slotBytes: segmentBytes * segments, maxSegments: segments })
    batch.append(new Uint8Array(segmentBytes * segments), undefined, { segmentBytes })
    conn.send(batch)
    return conn.gso.available ? undefined : conn.gso.reason
  } catch {
    // Not caused by GSO: the next send has the same error and reports it.
    return undefined
  } finally {
    conn.close()
  }
}

/** Size of the IP and UDP headers. */
function headerBytes({ family, address }: Endpoint): number {
  return (family === 'ipv4' || address.startsWith('::ffff:') ? 20 : 40) + 8
}
