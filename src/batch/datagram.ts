import type { Endpoint } from '../endpoint/endpoint.js'
import type { RecvBatch } from './recv-batch.js'

/** A received datagram that outlives its batch. */
export interface DatagramCopy {
  readonly bytes: Buffer
  readonly source: Endpoint | undefined
  readonly truncated: boolean
}

/**
 * One received datagram, seen in its batch's memory: good until the next `recv` into that batch. The objects are used
 * again and again; keep `copy()` instead.
 */
export class Datagram implements DatagramCopy {
  readonly #batch: RecvBatch
  #slot = 0
  #bytes: Buffer

  /** @internal */
  constructor(batch: RecvBatch, bytes: Buffer) {
    this.#batch = batch
    this.#bytes = bytes
  }

  /** The payload: a view, not a copy. */
  get bytes(): Buffer {
    return this.#bytes
  }

  /** Who sent it; undefined if the kernel did not say. */
  get source(): Endpoint | undefined {
    return this.#batch.source(this.#slot)
  }

  /** True if it was longer than the slot: the rest is lost. */
  get truncated(): boolean {
    return this.#batch.truncated(this.#slot)
  }

  /** True if the kernel had more control messages than the slot has room for. */
  get controlTruncated(): boolean {
    return this.#batch.controlTruncated(this.#slot)
  }

  /** The same with memory of its own. */
  copy(): DatagramCopy {
    return { bytes: Buffer.from(this.#bytes), source: this.source, truncated: this.truncated }
  }

  /** @internal */
  place(slot: number, bytes: Buffer): this {
    this.#slot = slot
    this.#bytes = bytes
    return this
  }
}
