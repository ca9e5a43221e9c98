import { setTimeout as sleep } from 'node:timers/promises'
import type { Flow, SocketSpec } from '../plan/flow.js'
import { type Counted, isComplete, statisticsOf } from '../report/flow-statistics.js'
import type { OutgoingChanges } from '../traffic/outgoing.js'
import type { Credit, Descriptors, ProcessCounts, SocketAction } from '../traffic/protocol.js'
import type { Network } from './network.js'
import type { TrafficLink } from './traffic-link.js'

/** A running soak: starts and pauses traffic, and collects all counts. */
export class SoakRun {
  readonly sockets: readonly SocketSpec[]
  readonly flows: readonly Flow[]
  readonly networks: readonly Network[]
  readonly links: ReadonlyMap<string, TrafficLink>
  /** Latest counts of each process. */
  readonly processes = new Map<string, ProcessCounts>()
  /** Problems as text; each is a violation. */
  readonly problems: string[] = []
  readonly #seed: number
  readonly #windows: { readonly flow: Flow; readonly windowCost: number }[] = []

  constructor(
    sockets: readonly SocketSpec[],
    flows: readonly Flow[],
    networks: readonly Network[],
    links: readonly TrafficLink[],
    seed: number,
  ) {
    this.sockets = sockets
    this.flows = flows
    this.networks = networks
    this.links = new Map(links.map((link) => [link.name, link]))
    for (const link of links) link.onCredit = (credit) => this.#takeCredit(credit)
    this.#seed = seed
  }

  /** Opens all sockets, limits the data in flight to each to the size of its receive buffer, and starts the traffic. */
  async start(sampleMs: number): Promise<void> {
    await Promise.all(this.networks.map((network) => network.begin()))
    await Promise.all([...this.links.values()].map((link) => link.request({ do: 'begin', sampleMs })))
    await Promise.all(this.sockets.map((spec) => this.#open(spec)))
    await Promise.all(this.#windows.map(({ flow, windowCost }) => this.#update([flow], { windowCost })))
    await this.#all(this.sockets, 'connect')
    await this.resume(this.sockets)
  }

  /** Starts workers that are terminated while they send. */
  async churn(process: string): Promise<void> {
    await this.links.get(process)?.request({ do: 'churn' })
  }

  resume(sockets: readonly SocketSpec[]): Promise<void> {
    return this.#all(sockets, 'resume')
  }

  pause(sockets: readonly SocketSpec[]): Promise<void> {
    return this.#all(sockets, 'pause')
  }

  /** Waits until every datagram of the flows is delivered or counted as lost. Their senders must be paused. */
  async drained(flows: readonly Flow[]): Promise<boolean> {
    const open = await this.#incompleteAfterDrain(flows)
    for (const { from, to } of open)
      this.problems.push(`datagrams from '${from.name}' to '${to.name}' are still missing`)
    return open.length === 0
  }

  /**
   * Closes a socket whose flows are drained, and opens another in its place.
   *
   * @param closedMs - how long it stays closed; its peers continue to send to it
   */
  async closeAndOpen(spec: SocketSpec, closedMs: number): Promise<void> {
    const flows = this.flows.filter(({ from, to }) => from === spec || to === spec)
    const senders = [...new Set(flows.map(({ from }) => from))].filter((from) => from !== spec)
    await this.pause([...senders, spec])
    if (await this.drained(flows)) {
      await this.#all([spec], 'shut')
      const incoming = flows.filter(({ to }) => to === spec)
      if (closedMs > 0) await this.#sendToClosed(senders, incoming, closedMs)
      await this.#all([spec], 'open again')
      await this.#all([spec], 'connect')
    }
    await this.resume([...senders, spec])
  }

  /** Collects the counts that the statistics of the flows require. */
  async counted(flows: readonly Flow[] = this.flows): Promise<Counted> {
    const networks = flows.some(({ loss }) => loss === 'nft' || loss === 'device queue') ? this.networks : []
    const processes = new Set(flows.flatMap(({ from, to }) => [from.process, to.process]))
    const requests = [...processes].map(async (name) => {
      this.processes.set(name, await this.#process(name).request<ProcessCounts>({ do: 'counts' }))
    })
    const [counters] = await Promise.all([Promise.all(networks.map((network) => network.counters())), ...requests])
    const sockets = [...this.processes.values()].flatMap((process) => process.sockets)
    return { networks: counters, sockets: new Map(sockets.map((socket) => [socket.name, socket])) }
  }

  /** Stops all traffic, and closes all sockets. Returns each process's descriptors. */
  async stop(): Promise<Map<string, Descriptors>> {
    await this.pause(this.sockets)
    await this.#incompleteAfterDrain(this.flows)
    await this.#all(this.sockets, 'close')
    const ends = [...this.links].map(
      async ([name, link]) => [name, await link.request<Descriptors>({ do: 'end' })] as const,
    )
    return new Map(await Promise.all(ends))
  }

  /** Returns the flows with datagrams that are still missing after some time. */
  async #incompleteAfterDrain(flows: readonly Flow[]): Promise<Flow[]> {
    for (let attempt = 1; ; attempt += 1) {
      const open = statisticsOf(flows, await this.counted(flows)).filter((entry) => !isComplete(entry))
      if (open.length === 0 || attempt === DRAIN_ATTEMPTS) return open.map(({ flow }) => flow)
      await sleep(DRAIN_MS)
    }
  }

  /** Passes the amount that receivers have read on to the processes of their senders. */
  #takeCredit({ costs }: Credit): void {
    const perProcess = new Map<string, Record<number, number>>()
    for (const [id, cost] of Object.entries(costs)) {
      const { process } = this.flows[Number(id)].from
      perProcess.set(process, { ...perProcess.get(process), [id]: cost })
    }
    for (const [name, costs] of perProcess)
      this.#process(name)
        .request({ do: 'credit', costs })
        .catch(() => {})
  }

  async #open(spec: SocketSpec): Promise<void> {
    const incoming = this.flows.filter(({ to }) => to === spec)
    const outgoing = this.flows.filter(({ from }) => from === spec)
    const options = { spec, incoming, outgoing, seed: this.#seed }
    const granted = await this.#process(spec.process).request<number>({ do: 'open', options })
    const windowed = incoming.filter(({ loss }) => loss === 'none')
    // The kernel gives freed space back in steps of up to a quarter of the buffer (udp_rmem_release in net/ipv4/udp.c).
    const windowCost = (granted * 0.75) / windowed.length
    this.#windows.push(...windowed.map((flow) => ({ flow, windowCost })))
  }

  async #sendToClosed(senders: readonly SocketSpec[], flows: readonly Flow[], closedMs: number): Promise<void> {
    await this.#update(flows, { isReceiverClosed: true })
    await this.resume(senders)
    await sleep(closedMs)
    await this.pause(senders)
    await this.#update(flows, { isReceiverClosed: false })
  }

  async #update(flows: readonly Flow[], changes: OutgoingChanges): Promise<void> {
    await Promise.all(
      flows.map(({ id, from }) =>
        this.#process(from.process).request({ do: 'update', name: from.name, flow: id, changes }),
      ),
    )
  }

  async #all(sockets: readonly SocketSpec[], action: SocketAction): Promise<void> {
    await Promise.all(sockets.map((spec) => this.#process(spec.process).request({ do: action, name: spec.name })))
  }

  #process(name: string): TrafficLink {
    const link = this.links.get(name)
    if (link === undefined) throw new Error(`there is no process ${name}`)
    return link
  }
}

const DRAIN_ATTEMPTS = 60
const DRAIN_MS = 50
