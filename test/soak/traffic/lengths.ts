import type { Random } from '../../../bench/stats/random.js'
import type { SizeKind } from '../plan/flow.js'
import { HEADER_BYTES } from './payload.js'

/** Returns a random integer from `low` to `high`, both included. */
export function between(random: Random, low: number, high: number): number {
  return low + Math.floor(random() * (high - low + 1))
}

/** Chooses a payload length; not for short datagrams, whose length follows from their number. */
export function payloadLength(kind: Exclude<SizeKind, 'short'>, random: Random): number {
  if (kind === 'packet' || random() < 0.6) return between(random, HEADER_BYTES, PACKET_BYTES)
  if (random() < 0.5) return EDGES[between(random, 0, EDGES.length - 1)]
  // Logarithmic: as many between 100 and 1,000 bytes as between 1,000 and 10,000.
  return Math.floor(HEADER_BYTES * (MAX_BYTES / HEADER_BYTES) ** random())
}

/** Longest UDP payload over IPv4; IPv6 has 20 bytes more. */
export const MAX_BYTES = 65_507

/** Payload of an IPv6 packet of 1500 bytes, which fits IPv4 too. */
export const PACKET_BYTES = 1452

/** The header alone; full packets of both families, and one byte more, which requires two fragments; the longest. */
const EDGES = [HEADER_BYTES, 1452, 1453, 1472, 1473, MAX_BYTES]
