import { type BatchConn, type Endpoint, SendBatch } from '../library.js'
import { type HandOver, handOver } from './send-calls.js'
import { openSendingSocket } from './socket.js'
import { spin, spinsPerNanosecond } from './spin.js'
import type { Operation, Work } from './work.js'

/** Fills a batch and hands it over: clear, reserve, send, as a program does that prepares each datagram. */
export class SendOperation implements Operation {
  readonly mostAtOnce = Number.POSITIVE_INFINITY
  readonly #conn: BatchConn
  readonly #batch: SendBatch
  readonly #messages: number
  readonly #sizeBytes: number
  readonly #repeat: number
  readonly #destination: Endpoint | undefined
  readonly #handOver: HandOver
  readonly #plantedTurns: number

  constructor(work: Extract<Work, { kind: 'send' }>, to: { address: string; port: number }) {
    const { conn, destination } = openSendingSocket(to, work.connected)
    this.#conn = conn
    this.#destination = destination
    this.#messages = work.batch
    this.#sizeBytes = work.sizeBytes
    this.#repeat = work.repeat
    this.#batch = new SendBatch({ capacity: work.batch, slotBytes: Math.max(1, work.sizeBytes) })
    this.#handOver = handOver(work.call, work.function, conn, destination)
    const { messageNanoseconds, callNanoseconds } = work.planted ?? { messageNanoseconds: 0, callNanoseconds: 0 }
    const plantedNanoseconds = messageNanoseconds * work.batch + callNanoseconds
    this.#plantedTurns = plantedNanoseconds === 0 ? 0 : Math.round(plantedNanoseconds * spinsPerNanosecond())
  }

  ready(): void {}

  run(count: number): number {
    const total = count * this.#repeat
    let taken = 0
    for (let turn = 0; turn < total; turn += 1) {
      this.#fill()
      if (this.#plantedTurns > 0) spin(this.#plantedTurns)
      taken += this.#handOver(this.#batch)
    }
    return total * this.#messages - taken
  }

  close(): void {
    this.#conn.close()
  }

  #fill(): void {
    const batch = this.#batch
    batch.clear()
    for (let message = 0; message < this.#messages; message += 1) batch.reserve(this.#sizeBytes, this.#destination)
  }
}
