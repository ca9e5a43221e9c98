import { BatchConn, endpoint, RecvBatch } from '../../../src/index.js'
import type { SocketSpec } from '../plan/flow.js'
import { Filler } from './filler.js'
import { between } from './lengths.js'
import { Peer, type PeerOptions } from './peer.js'
import { startReceiving } from './receiving.js'
import { type SendWay, sendBatch } from './sending.js'
import { droppedAt } from './udp-table.js'

/** A BatchConn on the event loop. */
export class ConnPeer extends Peer {
  #conn: BatchConn | undefined
  #earlierDrops = 0
  readonly #inbox: RecvBatch
  readonly #filler: Filler | undefined

  constructor(options: PeerOptions) {
    super(options)
    const { spec } = this
    this.#inbox = newInbox(spec)
    if (spec.send !== undefined) this.#filler = new Filler(spec.send, this.outgoing, this.random)
  }

  override async open(): Promise<number> {
    const conn = openConn(this.spec)
    this.#conn = conn
    startReceiving(conn, this.spec.receive, this.#inbox, {
      onBatch: (batch) => {
        for (const datagram of batch) this.incoming.note(datagram)
      },
      onError: (error) => this.#noteError(error),
    })
    return conn.options.receiveBufferBytes
  }

  override connect(): void {
    if (this.spec.send?.connected) this.#open.connect(endpoint(this.outgoing[0].flow.to))
  }

  override get kernelDrops(): number {
    return this.#earlierDrops + (this.#conn?.kernelDrops ?? 0)
  }

  protected override async closeSocket(): Promise<void> {
    this.#noteNetworkErrors()
    const drops = finalDrops(this.#open, this.spec.port)
    if (typeof drops === 'string') this.report(drops)
    else this.#earlierDrops += drops
    this.#open.close()
    this.#conn = undefined
  }

  protected override async sendRound(datagrams: number): Promise<void> {
    if (this.#filler === undefined) return
    const messages = this.#filler.fill(datagrams)
    const way = this.#way()
    if (way === 'abort and resume') messages[0].outgoing.counts.aborted += 1
    const failures = await sendBatch(this.#open, this.#filler.batch, way)
    for (const [index, { outgoing, datagrams, cost }] of messages.entries()) {
      outgoing.settle(datagrams, cost, failures.get(index))
    }
    this.#noteNetworkErrors()
  }

  #way(): SendWay {
    if (this.spec.send?.aborts && this.#filler?.batch.length !== 0 && this.random() < 0.3) return 'abort and resume'
    return between(this.random, 0, 3) === 0 ? 'send' : 'sendAll'
  }

  #noteNetworkErrors(): void {
    if (!this.spec.recvErrors) return
    for (const { code, destination } of this.#open.takeErrors()) {
      const outgoing = this.outgoing.find(({ flow }) => flow.to.port === destination?.port)
      if (code !== 'ECONNREFUSED' || outgoing === undefined) this.report(`network error ${code} about ${destination}`)
      else outgoing.counts.refused += 1
    }
  }

  // A connected socket reports the ICMP error of an earlier datagram.
  #noteError(error: unknown): void {
    const { code } = error as { code?: string }
    if (code !== 'ECONNREFUSED' || !this.spec.send?.connected) this.report(`receiving failed: ${error}`)
    else this.outgoing[0].counts.refused += 1
  }

  get #open(): BatchConn {
    if (this.#conn === undefined) throw new Error(`${this.spec.name} is closed`)
    return this.#conn
  }
}

/** Opens and binds a BatchConn as specified. It counts drops, and reports all values that a flow may check. */
export function openConn(spec: SocketSpec): BatchConn {
  const { family, gro, gso, receiveBufferBytes, recvErrors } = spec
  const reported = { recvTtl: true, recvTos: true, countDrops: true }
  return BatchConn.open({ family, gro, gso, receiveBufferBytes, recvErrors, ...reported }).bind(spec)
}

/** Creates a batch with space for any datagram, or for GRO buffers. */
export function newInbox({ gro }: { gro: boolean }): RecvBatch {
  return gro ? new RecvBatch({ capacity: 8, gro }) : new RecvBatch({ capacity: 16, slotBytes: 65_536 })
}

/** Returns the drops of a socket that is about to be closed; a string if its two sources differ. */
export function finalDrops(conn: BatchConn, port: number): number | string {
  const dropped = droppedAt(port, conn.family)
  if (conn.kernelDrops === dropped) return dropped
  return `kernelDrops is ${conn.kernelDrops}, and /proc/net/udp has ${dropped}`
}
