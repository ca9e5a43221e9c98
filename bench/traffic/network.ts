import { spawnSync } from 'node:child_process'
import { lookup } from 'node:dns/promises'
import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { BatchConn, type Endpoint, endpoint } from '../../src/index.js'
import { Failure } from '../cli/run-command.js'

export interface HostPort {
  readonly host: string
  readonly port: number
}

/**
 * Resolves a host to a numeric address.
 *
 * @param family - required address family, 4 or 6; 0 for the resolver's first choice
 */
export async function resolveHost({ host, port }: HostPort, family: 0 | 4 | 6 = 0): Promise<Endpoint> {
  const wanted = family === 0 ? '' : ` to IPv${family}`
  try {
    const version = isIP(host)
    if (version !== 0 && family !== 0 && version !== family) throw new Error('not of this family')
    const address = version === 0 ? (await lookup(host, { family, order: 'verbatim' })).address : host
    return endpoint({ address, port })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new Failure(`the host '${host}' cannot be resolved${wanted}${code === undefined ? '' : ` (${code})`}`)
  }
}

/** The destinations of a sender: an address, and those after it. */
export interface Spread {
  readonly destination: Endpoint
  /** Number of destinations. */
  readonly destinations: number
  /** One destination after the other, instead of in turn. */
  readonly grouped: boolean
}

/** Returns the destination of each of a number of messages. With several destinations, the first must be an IPv4 address. */
export function destinationsOf({ destination, destinations, grouped }: Spread, messages: number): Endpoint[] {
  const { address, port } = destination
  const [, network, host] = /^(.*\.)(\d+)$/.exec(address) ?? []
  const all = Array.from({ length: destinations }, (_, index) =>
    index === 0 ? destination : endpoint({ address: `${network}${Number(host) + index}`, port }),
  )
  return Array.from(
    { length: messages },
    (_, index) => all[grouped ? Math.floor((index * destinations) / messages) : index % destinations],
  )
}

/** Counters of a network interface in this network namespace (/proc/net/dev). */
type InterfaceCounters = ReturnType<typeof parseCounters>
export type InterfaceDelta = ReturnType<typeof interfaceDelta>

/** Returns the interface of the route to a destination, `internal` for loopback; undefined if it cannot be determined. */
export function interfaceTowards(destination: Endpoint) {
  const source = sourceAddress(destination)
  const addresses = Object.entries(networkInterfaces()).flatMap(([name, infos = []]) =>
    // In the form that the kernel prints.
    infos.map(({ address, internal }) => ({ name, internal, plain: plain(endpoint({ address, port: 0 }).address) })),
  )
  // Datagrams to this host's own addresses go through lo, on whichever interface the address is.
  const isOwn = source.startsWith('127.') || addresses.some((one) => one.plain === plain(destination.address))
  return addresses.find((one) => (isOwn ? one.internal : one.plain === source))
}

/** Returns whether the interface has the queueing discipline fq, which paces sockets; false without the command tc. */
export function hasFq(name: string): boolean {
  return /^qdisc fq /m.test(spawnSync('tc', ['qdisc', 'show', 'dev', name], { encoding: 'utf8' }).stdout ?? '')
}

/** @throws Failure if the interface does not exist (any more) */
export function readInterfaceCounters(name: string): InterfaceCounters {
  const lines = readFileSync('/proc/net/dev', 'utf8').split('\n')
  const line = lines.find((one) => one.trimStart().startsWith(`${name}:`))
  if (line === undefined) throw new Failure(`the network interface ${name} does not exist (any more)`)
  return parseCounters(line)
}

/**
 * Returns the counters after the interface has sent what is in its queue, which is not counted yet. The length of the queue is
 * unknown, so this waits until all is counted, or until the count does not change.
 *
 * @param expectedPackets - the count of sent packets at which the queue is empty
 */
export async function settledInterfaceCounters(name: string, expectedPackets: number): Promise<InterfaceCounters> {
  let counters = readInterfaceCounters(name)
  for (let stillMs = 0; counters.txPackets < expectedPackets && stillMs < SETTLE_MS; stillMs += 2) {
    await sleep(2)
    const later = readInterfaceCounters(name)
    if (later.txPackets !== counters.txPackets) stillMs = 0
    counters = later
  }
  return counters
}

export function parseCounters(line: string) {
  const fields = line.slice(line.indexOf(':') + 1).trim()
  const counts = fields.split(/\s+/).map(Number)
  const [rxBytes, rxPackets, , rxDropped, , , , , txBytes, txPackets, , txDropped] = counts
  return { txPackets, txBytes, txDropped, rxPackets, rxBytes, rxDropped }
}

export function interfaceDelta(name: string, before: InterfaceCounters, after: InterfaceCounters) {
  const counted = { ...after }
  for (const key of Object.keys(before) as (keyof InterfaceCounters)[]) counted[key] -= before[key]
  return { name, ...counted }
}

// Connecting a UDP socket sends nothing; the kernel chooses the route.
function sourceAddress(destination: Endpoint): string {
  using conn = BatchConn.open({ family: destination.family })
  try {
    return plain(conn.connect(destination).localAddress.address)
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    throw new Failure(`there is no route to ${destination.address} (${code})`)
  }
}

/** The address without the interface of a link-local address. */
function plain(address: string): string {
  return address.split('%', 1)[0]
}

/** A count that has not changed for this long is final. */
const SETTLE_MS = 20
