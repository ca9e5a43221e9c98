import { setTimeout as sleep } from 'node:timers/promises'
import { type Random, shuffled } from '../../../bench/stats/random.js'
import { HOST_A } from '../../support/two-hosts.js'
import type { SocketSpec } from '../plan/flow.js'
import { between } from '../traffic/lengths.js'
import type { RoughLink } from './rough-link.js'
import type { SoakRun } from './soak-run.js'

/** A fault that happens while the traffic runs. */
export interface Fault {
  readonly name: string
  happen(run: SoakRun, random: Random): Promise<void>
}

/** Faults that require only the sockets. */
export const SOCKET_FAULTS: readonly Fault[] = [
  {
    name: 'a socket is closed and opened again',
    happen: (run, random) => run.closeAndOpen(pick(run.sockets, random), 0),
  },
  {
    name: 'a peer is closed for a while',
    happen: (run, random) => run.closeAndOpen(pick(run.sockets.filter(isRefusalCounted(run)), random), AWAY_MS),
  },
]

/** Faults of devices and links, between two network namespaces. */
export function linkFaults(link: RoughLink): Fault[] {
  return [
    { name: 'device queues are full', happen: () => overrun(link) },
    { name: 'a link goes down', happen: (run) => takeDown(run, link) },
    { name: 'the MTU is lowered', happen: lowerMtu },
  ]
}

/** Makes the faults happen one after the other, in random order and equally often, until the signal is aborted. */
export async function throwIn(
  run: SoakRun,
  faults: readonly Fault[],
  random: Random,
  signal: AbortSignal,
): Promise<Map<string, number>> {
  const happened = new Map<string, number>()
  while (!signal.aborted) {
    for (const fault of shuffled(faults, random)) {
      await sleep(PAUSE_MS, undefined, { signal }).catch(() => {})
      if (signal.aborted) break
      await fault.happen(run, random)
      happened.set(fault.name, (happened.get(fault.name) ?? 0) + 1)
    }
  }
  return happened
}

/**
 * Sockets that may be closed temporarily: those that receive only single datagrams, because the kernel counts a GSO
 * send to a closed port once, and only numbered ones, because the number of a short datagram is its position in the
 * flow.
 */
function isRefusalCounted(run: SoakRun): (spec: SocketSpec) => boolean {
  const isCounted = ({ api, gso, send }: SocketSpec) => {
    const isSingle = api === 'drop-in' ? !gso : send?.kind === 'plain'
    return isSingle && send?.loss === 'none' && send.sizes !== 'short'
  }
  return (spec) => {
    const senders = run.flows.filter(({ to }) => to === spec).map(({ from }) => from)
    return senders.length > 0 && senders.every(isCounted)
  }
}

async function overrun(link: RoughLink): Promise<void> {
  await link.setSlow(true)
  await sleep(SLOW_MS)
  await link.setSlow(false)
}

/**
 * Stops the traffic of the link while the state of the device changes, because no counter contains the datagrams that
 * are in its queue then, or that are sent before the routes are removed. While the link is down, the kernel rejects
 * sends, and the library reports the errors.
 */
async function takeDown(run: SoakRun, link: RoughLink): Promise<void> {
  const flows = run.flows.filter(({ from }) => from.address.startsWith(ROUGH_PREFIX))
  const senders = flows.map(({ from }) => from)
  await run.pause(senders)
  if (await run.drained(flows)) {
    await link.down()
    const fromA = senders.filter(({ network }) => network === 'A')
    await run.resume(fromA)
    await sleep(AWAY_MS)
    await run.pause(fromA)
    await link.up()
  }
  await run.resume(senders)
}

/**
 * GSO sends with longer segments then fail, and the library must send their datagrams one by one, which IP fragments.
 * The MTU of the routes is changed, because a device with a lower MTU than its peer would drop the peer's packets.
 */
async function lowerMtu(run: SoakRun): Promise<void> {
  const network = run.networks.find(({ name }) => name === 'A')
  await network?.run(routesWithMtu(LOW_MTU))
  await sleep(SLOW_MS)
  await network?.run(routesWithMtu(1500))
}

function routesWithMtu(mtu: number): string {
  return `
    ip route replace 10.83.0.0/24 dev ${HOST_A.interface} proto kernel scope link src ${HOST_A.ipv4} mtu ${mtu}
    ip -6 route replace fd83::/64 dev ${HOST_A.interface} proto kernel metric 256 mtu ${mtu}`
}

function pick<T>(items: readonly T[], random: Random): T {
  return items[between(random, 0, items.length - 1)]
}

const PAUSE_MS = 150
const AWAY_MS = 150
const SLOW_MS = 400
/** Lowest MTU that IPv6 permits. */
const LOW_MTU = 1280
const ROUGH_PREFIX = '10.84.'
