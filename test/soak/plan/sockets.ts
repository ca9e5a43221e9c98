import type { Family, MessageOptions } from '../../../src/index.js'
import type { Flow, SendSpec, SocketSpec } from './flow.js'

/** A socket as a plan defines it; omitted properties have their defaults. */
export type PlannedSocket = {
  readonly name: string
  readonly send?: { readonly to: readonly string[] } & Partial<SendSpec>
} & Partial<Omit<SocketSpec, 'name' | 'send' | 'port'>>

/** Process, network namespace and addresses of a group of planned sockets. */
export interface Site {
  readonly process: string
  readonly network: string
  readonly family: Family
  readonly address: string
}

/** The complete specification of planned sockets, with ports from `firstPort` on. */
export function specify(planned: readonly (Site & PlannedSocket)[], firstPort: number): SocketSpec[] {
  return planned.map((socket, index) => ({
    ...SOCKET,
    ...socket,
    port: firstPort + index,
    send: specifySend(socket.send),
  }))
}

/** Sockets at a site. The family is appended to their names and to those they send to. */
export function at(site: Site, sockets: readonly PlannedSocket[]): (Site & PlannedSocket)[] {
  const full = (name: string) => `${name} ${site.family}`
  return sockets.map(({ send, ...socket }) => ({
    ...site,
    ...socket,
    name: full(socket.name),
    ...(send === undefined ? {} : { send: { ...send, to: send.to.map(full) } }),
  }))
}

/** All flows between the sockets. */
export function flowsBetween(sockets: readonly SocketSpec[]): Flow[] {
  const pairs = sockets.flatMap((from) => (from.send?.to ?? []).map((name) => ({ from, name })))
  return pairs.map(({ from, name }, id) => {
    const to = sockets.find((socket) => socket.name === name)
    if (to === undefined) throw new Error(`${from.name} sends to ${name}, which is not in the plan`)
    return { id, from, to, loss: from.send?.loss ?? 'none' }
  })
}

function specifySend(send: PlannedSocket['send']): SendSpec | undefined {
  return send === undefined ? undefined : { ...SEND, ...send }
}

const SOCKET = {
  api: 'BatchConn',
  receive: 'onReadable',
  gro: false,
  gso: true,
  receiveBufferBytes: 4 << 20,
  recvErrors: false,
} as const

const SEND = {
  kind: 'plain',
  sizes: 'packet',
  perSecond: 100,
  connected: false,
  options: undefined as MessageOptions | undefined,
  loss: 'none',
  aborts: false,
  detaches: false,
  mayFail: [] as readonly string[],
} as const
