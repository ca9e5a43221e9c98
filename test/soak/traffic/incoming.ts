import { SequenceWindow } from '../../../bench/traffic/streams.js'
import { bufferCost, type Flow, type Received } from '../plan/flow.js'
import { isShortDatagram, readDatagram } from './payload.js'

/** Received datagram with its ancillary data; a BatchConn's `Datagram` is one. */
export interface Arrival {
  readonly bytes: Buffer
  readonly truncated: boolean
  readonly source: { readonly address: string; readonly port: number } | undefined
  readonly ttl: number | undefined
  readonly ecn: number | undefined
}

/** Checks all datagrams that one socket receives, by flow. */
export class Incoming {
  readonly counts: Record<number, Received>
  readonly #flows = new Map<number, Flow>()
  readonly #windows = new Map<number, SequenceWindow>()
  readonly #shortFlow: Flow | undefined
  readonly #report: (problem: string) => void

  /**
   * @param flows - flows that end at the socket
   * @param counts - counts of an earlier thread, from which they continue
   */
  constructor(
    flows: readonly Flow[],
    report: (problem: string) => void,
    counts: Readonly<Record<number, Received>> = {},
  ) {
    this.#report = report
    this.counts = { ...counts }
    for (const flow of flows) {
      this.#flows.set(flow.id, flow)
      this.#windows.set(flow.id, new SequenceWindow(WINDOW))
      this.counts[flow.id] ??= { delivered: 0, bytes: 0, cost: 0, duplicates: 0, reordered: 0, corrupt: 0 }
    }
    this.#shortFlow = flows.find(({ from }) => from.send?.sizes === 'short')
  }

  note(arrival: Arrival): void {
    if (this.#shortFlow !== undefined) this.#noteShort(this.#shortFlow, arrival)
    else this.#noteNumbered(arrival)
  }

  // The number of a short datagram is its position in the flow, because none is lost or reordered. A missing or
  // additional datagram makes all later ones wrong.
  #noteShort(flow: Flow, arrival: Arrival): void {
    const counts = this.counts[flow.id]
    const sequence = counts.delivered
    if (!isShortDatagram(arrival.bytes, sequence)) {
      const { bytes } = arrival
      this.#corrupt(flow, `short datagram ${sequence} arrived as ${bytes.length} bytes, ${bytes.toString('hex')}`)
    }
    this.#deliver(flow, arrival)
  }

  #noteNumbered(arrival: Arrival): void {
    const header = readDatagram(arrival.bytes)
    const flow = typeof header === 'string' ? this.#flowFrom(arrival) : this.#flows.get(header.flow)
    if (typeof header === 'string' || arrival.truncated) {
      this.#corrupt(flow, typeof header === 'string' ? header : `datagram ${header.sequence} is truncated`)
      return
    }
    if (flow === undefined) {
      this.#report(`received a datagram of flow ${header.flow}, which does not end here`)
      return
    }
    const counts = this.counts[flow.id]
    const place = (this.#windows.get(flow.id) as SequenceWindow).note(header.sequence)
    if (place === 'duplicate') {
      counts.duplicates += 1
      if (counts.duplicates === 1) this.#report(`received datagram ${header.sequence} of flow ${flow.id} twice`)
      return
    }
    if (place !== 'next') {
      counts.reordered += 1
      if (counts.reordered === 1) this.#report(`received datagram ${header.sequence} of flow ${flow.id} out of order`)
    }
    this.#deliver(flow, arrival)
  }

  #deliver(flow: Flow, arrival: Arrival): void {
    const counts = this.counts[flow.id]
    counts.delivered += 1
    counts.bytes += arrival.bytes.length
    counts.cost += bufferCost(arrival.bytes.length)
    const mistake = mistakenOption(flow, arrival)
    if (mistake !== undefined) this.#corrupt(flow, mistake)
  }

  #flowFrom({ source }: Arrival): Flow | undefined {
    return [...this.#flows.values()].find(({ from }) => from.port === source?.port)
  }

  // Only the first corrupt datagram of each flow is described; the others would repeat the description.
  #corrupt(flow: Flow | undefined, what: string): void {
    if (flow !== undefined) this.counts[flow.id].corrupt += 1
    if (flow === undefined || this.counts[flow.id].corrupt === 1) this.#report(`received a corrupt datagram: ${what}`)
  }
}

/** Describes a received option that differs from the option that the flow's sender set. */
function mistakenOption({ from, id }: Flow, { source, ttl, ecn }: Arrival): string | undefined {
  const options = from.send?.options
  const expected = { address: options?.source ?? from.address, port: from.port, ttl: options?.ttl, ecn: options?.ecn }
  const seen = { address: source?.address, port: source?.port, ttl, ecn }
  for (const name of ['address', 'port', 'ttl', 'ecn'] as const) {
    if (expected[name] !== undefined && seen[name] !== expected[name]) {
      return `flow ${id} has ${name} ${seen[name]}, not ${expected[name]}`
    }
  }
  return undefined
}

/** In datagrams. Paths of the soak reorder by less, if at all. */
const WINDOW = 65_536
