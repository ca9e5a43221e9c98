import { type BatchConn, type Endpoint, SendBatch } from '../library.js'
import { openSendingSocket } from './socket.js'
import type { Operation, Work } from './work.js'

/** Sends one train a call: a payload that the kernel, or the device, cuts into datagrams (UDP_SEGMENT). */
export class TrainOperation implements Operation {
  readonly mostAtOnce = Number.POSITIVE_INFINITY
  readonly #conn: BatchConn
  readonly #batch: SendBatch
  readonly #byteLength: number
  readonly #destination: Endpoint | undefined
  readonly #options: { segmentBytes: number } | undefined

  constructor(work: Extract<Work, { kind: 'train' }>, to: { address: string; port: number }) {
    const { conn, destination } = openSendingSocket(to, work.connected)
    this.#conn = conn
    this.#destination = destination
    this.#byteLength = work.segments * work.sizeBytes
    this.#options = work.segments > 1 ? { segmentBytes: work.sizeBytes } : undefined
    this.#batch = new SendBatch({ capacity: 1, slotBytes: this.#byteLength })
  }

  ready(): void {}

  run(count: number): number {
    const batch = this.#batch
    let short = count
    for (let turn = 0; turn < count; turn += 1) {
      batch.clear()
      batch.reserve(this.#byteLength, this.#destination, this.#options)
      short -= this.#conn.send(batch)
    }
    // The library sends a refused train again as single datagrams: that would be another thing than what is measured.
    if (!this.#conn.gso.available) throw new Error(`GSO is off: ${this.#conn.gso.reason}`)
    return short
  }

  close(): void {
    this.#conn.close()
  }
}
