import { BatchConn, type Endpoint, SendBatch } from '../../src/index.js'
import { HEADER_BYTES } from '../workload/payload-header.js'
import type { SendPlan } from './sender.js'

/**
 * What stands in the way of trains to the plan's destination; undefined if nothing does. It sends one: that a kernel knows
 * UDP_SEGMENT does not tell what the device does with it. The train belongs to stream 0, which no receiver counts.
 */
export function trainObstacle({ destination, sizeBytes, segments }: SendPlan): string | undefined {
  const conn = BatchConn.open({ family: destination.family })
  try {
    conn.connect(destination)
    const { mtu } = conn.options
    if (sizeBytes + overheadBytes(destination) > mtu) {
      return `datagrams of ${sizeBytes} bytes do not fit the MTU of ${mtu}, and a train cannot be fragmented`
    }
    // Without room for a header it would be counted.
    const segmentBytes = Math.max(sizeBytes, HEADER_BYTES)
    const batch = new SendBatch({ capacity: 1, slotBytes: segmentBytes * segments, maxSegments: segments })
    batch.append(new Uint8Array(segmentBytes * segments), undefined, { segmentBytes })
    conn.send(batch)
    return conn.gso.available ? undefined : conn.gso.reason
  } catch {
    // Not about trains: whoever sends next meets it as well, and says so.
    return undefined
  } finally {
    conn.close()
  }
}

/** The headers of IP and UDP. */
function overheadBytes({ family, address }: Endpoint): number {
  return (family === 'ipv4' || address.startsWith('::ffff:') ? 20 : 40) + 8
}
