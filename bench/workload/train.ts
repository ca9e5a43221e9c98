/** What IPv4 can carry in a datagram, and so in a train: before it is cut, it is one. */
export const MAX_PAYLOAD_BYTES = 65_507

/** How many datagrams of a size a train can have: `wanted`, or as many as fit. */
export function trainSegments(sizeBytes: number, wanted: number): number {
  return Math.max(1, Math.min(wanted, Math.floor(MAX_PAYLOAD_BYTES / sizeBytes)))
}
