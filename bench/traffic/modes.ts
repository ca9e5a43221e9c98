/** The ways to send that the programs in other languages have too. Go has no GSO. */
export const PEER_MODES = [
  'sendmsg',
  'sendmmsg',
  'gso',
  'sendmmsg+gso',
  'gso+zerocopy',
  'sendmmsg+gso+zerocopy',
] as const

/** The ways to send, by their names on the command line. */
export const SEND_MODES = [...PEER_MODES, 'sendmmsg+coalesce', 'dgram', 'batchconn-dgram'] as const
export type SendMode = (typeof SEND_MODES)[number]

/** Returns true for the modes that require GSO; not every path supports it. */
export function isGsoMode(mode: SendMode): boolean {
  return mode.includes('gso') || mode === 'sendmmsg+coalesce'
}

/** The ways to receive, by their names on the command line. */
export const RECEIVE_MODES = ['recvmmsg', 'recvmsg', 'gro', 'dgram', 'batchconn-dgram'] as const
export type ReceiveMode = (typeof RECEIVE_MODES)[number]

/** Maximum payload of an IPv4 datagram, and of a GSO send: it is one datagram until it is split. */
export const MAX_PAYLOAD_BYTES = 65_507

/** Returns how many datagrams of a size a GSO send can have: `wanted`, or as many as fit. */
export function gsoSegments(sizeBytes: number, wanted: number): number {
  return Math.max(1, Math.min(wanted, Math.floor(MAX_PAYLOAD_BYTES / Math.max(1, sizeBytes))))
}
