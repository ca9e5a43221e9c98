import type { NetworkCounters } from '../control/network.js'
import { type Counted, type FlowStatistics, sum } from './flow-statistics.js'

/** Returns the violations in the statistics of the flows, one sentence each. */
export function flowViolations(statistics: readonly FlowStatistics[]): string[] {
  return statistics.flatMap((entry) => {
    const { flow } = entry
    const name = `flow ${flow.id} from '${flow.from.name}' to '${flow.to.name}'`
    return [...sendingViolations(entry), ...receivingViolations(entry)].map((text) => `${name}: ${text}`)
  })
}

/** Flows without a delivered datagram, which the run did not test. */
export function idleFlows(statistics: readonly FlowStatistics[]): string[] {
  const idle = statistics.filter(({ received }) => received.delivered === 0)
  return idle.map(({ flow }) => `flow ${flow.id} from '${flow.from.name}' to '${flow.to.name}': nothing was delivered`)
}

function sendingViolations({ flow, sent, failed }: FlowStatistics): string[] {
  const found: string[] = []
  const { offered, accepted, pendingCallbacks, toClosedPort, refused } = sent
  if (pendingCallbacks > 0) found.push(`${pendingCallbacks} send callbacks were never called`)
  if (offered !== accepted + failed + pendingCallbacks) {
    found.push(`${offered} datagrams handed over, ${accepted} reported as accepted and ${failed} as failed`)
  }
  for (const [code, count] of Object.entries(sent.failed)) {
    if (!flow.from.send?.mayFail.includes(code)) found.push(`${count} datagrams failed with ${code}`)
  }
  // Each datagram to a closed port causes an ICMP error, and recvErrors reports each.
  if (flow.from.recvErrors ? refused !== toClosedPort : refused > toClosedPort) {
    found.push(`${toClosedPort} datagrams went to a closed port, and ${refused} were reported as refused`)
  }
  return found
}

function receivingViolations({ sent, received, dropped, missing }: FlowStatistics): string[] {
  const found: string[] = []
  const { delivered, duplicates, corrupt, reordered } = received
  const counts = `accepted ${sent.accepted}, to a closed port ${sent.toClosedPort}, delivered ${delivered}, dropped ${dropped}`
  if (missing > 0) found.push(`${missing} datagrams are missing (${counts})`)
  if (missing < 0) found.push(`${-missing} datagrams too many arrived (${counts})`)
  if (duplicates > 0) found.push(`${duplicates} duplicates`)
  if (corrupt > 0) found.push(`${corrupt} corrupt datagrams`)
  if (reordered > 0) found.push(`${reordered} datagrams out of order`)
  return found
}

/** Compares the counters of each network namespace with the sum of what its sockets counted. */
export function networkViolations(statistics: readonly FlowStatistics[], { networks, sockets }: Counted): string[] {
  return networks.flatMap((network) => {
    const here = statistics.filter(({ flow }) => flow.to.network === network.name)
    const names = new Set(here.map(({ flow }) => flow.to.name))
    const dropped = sum([...names].map((name) => sockets.get(name)?.kernelDrops ?? 0))
    const failed = sum(statistics.filter(({ flow }) => flow.from.network !== network.name).map((entry) => entry.failed))
    const refused = sum(here.map(({ sent }) => sent.toClosedPort))
    return [
      ...differs(network, 'NoPorts', network.noPorts, refused, 'datagrams that were sent to closed ports'),
      ...differs(network, 'RcvbufErrors', network.receiveBufferErrors, dropped, 'drops that the sockets counted'),
      ...queueViolations(statistics, network),
      ...Object.entries(network.unexpected).flatMap(([name, count]) => unexpected(network, name, count, failed)),
    ]
  })
}

// A datagram whose send fails after its first fragments left (a link that goes down) cannot be reassembled.
function unexpected({ name }: NetworkCounters, counter: string, count: number, failed: number): string[] {
  const allowed = counter.endsWith('ReasmFails') ? failed : 0
  return count <= allowed ? [] : [`network ${name}: ${counter} is ${count}`]
}

function queueViolations(statistics: readonly FlowStatistics[], { name, queueDrops }: NetworkCounters): string[] {
  const through = statistics.filter(({ flow }) => flow.loss === 'device queue' && flow.from.network === name)
  if (through.length === 0) return []
  const lost = sum(through.map(({ dropped }) => dropped))
  return lost === queueDrops ? [] : [`network ${name}: the device queue dropped ${queueDrops}, and ${lost} were lost`]
}

function differs({ name }: NetworkCounters, counter: string, value: number, expected: number, what: string): string[] {
  return value === expected ? [] : [`network ${name}: ${counter} is ${value}, and there were ${expected} ${what}`]
}
