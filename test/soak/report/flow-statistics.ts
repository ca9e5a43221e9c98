import type { NetworkCounters } from '../control/network.js'
import type { Flow, Received, Sent, SocketCounts } from '../plan/flow.js'

/** Counts of all sockets and networks at one moment. */
export interface Counted {
  readonly sockets: ReadonlyMap<string, SocketCounts>
  /** Empty for an unprivileged user, because the counters are then those of the whole machine. */
  readonly networks: readonly NetworkCounters[]
}

/** Statistics of one flow, in datagrams. */
export interface FlowStatistics {
  readonly flow: Flow
  readonly sent: Sent
  readonly received: Received
  /** Sum of the failures that the library reported. */
  readonly failed: number
  /** Dropped by the kernel, from the counter of the component that may drop datagrams of the flow. */
  readonly dropped: number
  /** Accepted, and neither delivered, nor dropped, nor sent to a closed port: 0 if every datagram is accounted for. */
  readonly missing: number
}

/** Returns the statistics of all flows. */
export function statisticsOf(flows: readonly Flow[], { sockets, networks }: Counted): FlowStatistics[] {
  const queueDrops = new Map(networks.map((network) => [network.name, network.queueDrops]))
  return flows.map((flow) => {
    const sent = sockets.get(flow.from.name)?.sent[flow.id] ?? NOTHING_SENT
    const received = sockets.get(flow.to.name)?.received[flow.id] ?? NOTHING_RECEIVED
    const lost = sent.accepted - sent.toClosedPort - received.delivered
    let dropped = 0
    if (flow.loss === 'receive buffer') dropped = sockets.get(flow.to.name)?.kernelDrops ?? 0
    if (flow.loss === 'nft') dropped = filterDrops(networks, flow)
    if (flow.loss === 'device queue') {
      // Several flows share the queue and its counter. Each flow's losses are taken from the counter, so the sum is
      // exact.
      const left = queueDrops.get(flow.from.network) ?? 0
      dropped = Math.min(lost, left)
      queueDrops.set(flow.from.network, left - dropped)
    }
    const failed = sum(Object.values(sent.failed))
    return { flow, sent, received, failed, dropped, missing: lost - dropped }
  })
}

/** True if every accepted datagram is delivered or counted as lost. */
export function isComplete({ missing, sent }: FlowStatistics): boolean {
  return missing === 0 && sent.pendingCallbacks === 0
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

function filterDrops(networks: readonly NetworkCounters[], { to }: Flow): number {
  return networks.find(({ name }) => name === to.network)?.filterDrops[to.port] ?? 0
}

const NOTHING_SENT: Sent = {
  offered: 0,
  accepted: 0,
  failed: {},
  toClosedPort: 0,
  refused: 0,
  pendingCallbacks: 0,
  aborted: 0,
}

const NOTHING_RECEIVED: Received = { delivered: 0, bytes: 0, cost: 0, duplicates: 0, reordered: 0, corrupt: 0 }
