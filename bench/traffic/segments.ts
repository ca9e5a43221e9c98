/** Maximum payload of an IPv4 datagram, and of a GSO send: it is one datagram until it is split. */
export const MAX_PAYLOAD_BYTES = 65_507

/** Returns how many datagrams of a size a GSO send can have: `wanted`, or as many as fit. */
export function gsoSegments(sizeBytes: number, wanted: number): number {
  return Math.max(1, Math.min(wanted, Math.floor(MAX_PAYLOAD_BYTES / Math.max(1, sizeBytes))))
}
