import type { Endpoint } from '../endpoint/endpoint.js'

/** The properties of the datagrams in a batch, by slot. @internal */
export interface DatagramSource {
  source(slot: number): Endpoint | undefined
  truncated(slot: number): boolean
  controlTruncated(slot: number): boolean
  tos(slot: number): number | undefined
  ecn(slot: number): number | undefined
  ttl(slot: number): number | undefined
  destination(slot: number): string | undefined
  interfaceIndex(slot: number): number | undefined
  timestampNs(slot: number): bigint | undefined
}

/** A received datagram that outlives its batch. */
export interface DatagramCopy {
  readonly bytes: Buffer
  readonly source: Endpoint | undefined
  readonly truncated: boolean
  readonly controlTruncated: boolean
  readonly tos: number | undefined
  readonly ecn: number | undefined
  readonly ttl: number | undefined
  readonly destination: string | undefined
  readonly interfaceIndex: number | undefined
  readonly timestampNs: bigint | undefined
}

/**
 * One received datagram, seen in its batch's memory: good until the next `recv` into that batch. The objects are used
 * again and again; keep `copy()` instead.
 */
export class Datagram implements DatagramCopy {
  readonly #batch: DatagramSource
  #slot = 0
  #isLast = true
  #bytes: Buffer

  /** @internal */
  constructor(batch: DatagramSource, bytes: Buffer) {
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

  /** True if it was longer than the slot: the rest is lost. In a GRO buffer only the last can be. */
  get truncated(): boolean {
    return this.#isLast && this.#batch.truncated(this.#slot)
  }

  /** True if the kernel had more control messages than the slot has room for. */
  get controlTruncated(): boolean {
    return this.#batch.controlTruncated(this.#slot)
  }

  /** The TOS or traffic class byte; needs `recvTos`. The datagrams of a GRO buffer share it. */
  get tos(): number | undefined {
    return this.#batch.tos(this.#slot)
  }

  /** The two ECN bits of `tos` (RFC 3168). */
  get ecn(): number | undefined {
    return this.#batch.ecn(this.#slot)
  }

  /** The hops left on arrival; needs `recvTtl`. */
  get ttl(): number | undefined {
    return this.#batch.ttl(this.#slot)
  }

  /** The local address it was sent to; needs `recvDestination`. */
  get destination(): string | undefined {
    return this.#batch.destination(this.#slot)
  }

  /** The interface it came in by; needs `recvDestination`. */
  get interfaceIndex(): number | undefined {
    return this.#batch.interfaceIndex(this.#slot)
  }

  /** When the kernel received it, in nanoseconds since 1970; needs `recvTimestamps`. */
  get timestampNs(): bigint | undefined {
    return this.#batch.timestampNs(this.#slot)
  }

  /** The same with memory of its own. */
  copy(): DatagramCopy {
    const { source, truncated, controlTruncated, tos, ecn, ttl, destination, interfaceIndex, timestampNs } = this
    const meta = { source, truncated, controlTruncated, tos, ecn, ttl, destination, interfaceIndex, timestampNs }
    return { bytes: Buffer.from(this.#bytes), ...meta }
  }

  /** What `JSON.stringify` shows: all but the bytes, of which the length. */
  toJSON(): object {
    const { bytes, ...rest } = this.copy()
    return { byteLength: bytes.byteLength, ...rest, timestampNs: rest.timestampNs?.toString() }
  }

  /** What `console.log` shows. */
  [Symbol.for('nodejs.util.inspect.custom')](): object {
    return this.copy()
  }

  /** @internal */
  place(slot: number, bytes: Buffer, isLast: boolean): this {
    this.#slot = slot
    this.#isLast = isLast
    this.#bytes = bytes
    return this
  }
}
