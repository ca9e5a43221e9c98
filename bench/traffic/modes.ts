/** The ways to send, by their names on the command line. */
export const SEND_MODES = ['sendmsg', 'sendmmsg', 'gso', 'sendmmsg+gso', 'dgram', 'batchconn-dgram'] as const
export type SendMode = (typeof SEND_MODES)[number]

/** The modes that require GSO; not every path supports it. */
export const GSO_MODES: readonly SendMode[] = ['gso', 'sendmmsg+gso']

/** The ways to receive, by their names on the command line. */
export const RECEIVE_MODES = ['recvmmsg', 'recvmsg', 'gro', 'dgram', 'batchconn-dgram'] as const
export type ReceiveMode = (typeof RECEIVE_MODES)[number]
