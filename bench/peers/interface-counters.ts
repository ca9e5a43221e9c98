import { readFileSync } from 'node:fs'
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { BatchConn, type Endpoint, endpoint } from '../../src/index.js'
import { Failure } from '../failure.js'

/** What a network interface has counted, for this network namespace (/proc/net/dev). */
export interface InterfaceCounters {
  readonly txPackets: number
  readonly txBytes: number
  readonly txDropped: number
  readonly rxPackets: number
  readonly rxBytes: number
  readonly rxDropped: number
}

/** The same over a round. */
export interface InterfaceDelta extends InterfaceCounters {
  readonly name: string
}

/** The interface that the route to a destination leaves by; undefined if the kernel does not say. */
export function interfaceTowards(destination: Endpoint): string | undefined {
  const source = sourceAddress(destination)
  const entries = Object.entries(networkInterfaces()).flatMap(([name, infos = []]) =>
    infos.map((info) => ({ name, info })),
  )
  // What goes to an address of this host's own goes through lo, whichever interface the address is on.
  const isOwn = entries.some(({ info }) => addressOf(info) === plain(destination.address))
  if (isOwn || /^127\./.test(source)) return entries.find(({ info }) => info.internal)?.name
  return entries.find(({ info }) => addressOf(info) === source)?.name
}

/** Whether an interface leads nowhere but to this host. */
export function isLoopback(name: string): boolean {
  return networkInterfaces()[name]?.some(({ internal }) => internal) ?? false
}

/** @throws Failure if the interface is not there (any more) */
export function readInterfaceCounters(name: string): InterfaceCounters {
  const line = readFileSync('/proc/net/dev', 'utf8')
    .split('\n')
    .find((candidate) => candidate.trimStart().startsWith(`${name}:`))
  if (line === undefined) throw new Failure(`the network interface ${name} has gone`)
  return parseCounters(line)
}

/**
 * The counters once the interface has sent what was handed to it: what waits in its queue is not counted yet. Nothing
 * says how much that is, so it is over when all is counted, or the count stands still.
 *
 * @param expectedPackets - the sum of packets sent that means it has caught up
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

/** Reads one interface's line of /proc/net/dev. */
export function parseCounters(line: string): InterfaceCounters {
  const fields = line.slice(line.indexOf(':') + 1)
  const [rxBytes, rxPackets, , rxDropped, , , , , txBytes, txPackets, , txDropped] = fields
    .trim()
    .split(/\s+/)
    .map(Number)
  return { txPackets, txBytes, txDropped, rxPackets, rxBytes, rxDropped }
}

/** What was counted between two readings. */
export function interfaceDelta(name: string, before: InterfaceCounters, after: InterfaceCounters): InterfaceDelta {
  return {
    name,
    txPackets: after.txPackets - before.txPackets,
    txBytes: after.txBytes - before.txBytes,
    txDropped: after.txDropped - before.txDropped,
    rxPackets: after.rxPackets - before.rxPackets,
    rxBytes: after.rxBytes - before.rxBytes,
    rxDropped: after.rxDropped - before.rxDropped,
  }
}

// Connecting a UDP socket sends nothing, and makes the kernel choose the route.
function sourceAddress(destination: Endpoint): string {
  const conn = BatchConn.open({ family: destination.family })
  try {
    return plain(conn.connect(destination).localAddress.address)
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    throw new Failure(`there is no route to ${destination.address} (${code})`)
  } finally {
    conn.close()
  }
}

/** In the form the kernel prints, whichever way it was written. */
function addressOf(info: NetworkInterfaceInfo): string {
  return plain(endpoint({ address: info.address, port: 0 }).address)
}

/** Without the interface that a link-local address carries. */
function plain(address: string): string {
  return address.split('%', 1)[0]
}

/** A count that has not moved for so long stands still. */
const SETTLE_MS = 20
