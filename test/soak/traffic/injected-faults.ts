/**
 * Faults that the soak's test injects, to check that they are detected. Each traffic fault affects one datagram of one
 * socket.
 */
export const INJECTABLE_FAULTS = [
  'lost-datagram',
  'lost-callback',
  'duplicate',
  'corrupt',
  'reorder',
  'descriptor-leak',
  'memory-leak',
] as const

export type InjectedFault = (typeof INJECTABLE_FAULTS)[number]

/** Environment variable that passes the injected faults to the processes with traffic. */
export const INJECT_VARIABLE = 'BATCHCONN_SOAK_INJECT'

/** True if this fault is injected in this process. */
export function isInjected(fault: InjectedFault): boolean {
  return pending.has(fault)
}

/**
 * True once, for the socket that the fault affects. Each fault has its own socket, so that each is detected separately.
 */
export function injectOnce(fault: keyof typeof VICTIMS, socket: string): boolean {
  return socket === VICTIMS[fault] && pending.delete(fault)
}

const VICTIMS = {
  'lost-datagram': 'callback ipv4',
  'lost-callback': 'drop-in ipv4',
  duplicate: 'pair callback ipv4',
  corrupt: 'knocking ipv4',
  reorder: 'pair waiting ipv4',
} as const satisfies Partial<Record<InjectedFault, string>>

const pending = new Set<string>(process.env[INJECT_VARIABLE]?.split(','))
