import type { Endpoint } from '../endpoint/endpoint.js'

/** Properties of the datagrams in a batch, by slot. @internal */
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

/** Copy of a received datagram, independent of its batch. */
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
 * A received datagram in its batch's memory, valid until the next `recv` into that batch. The objects are reused; use
 * `copy()` to keep one.
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

  /** Payload: a view, not a copy. */
  get bytes(): Buffer {
    return this.#bytes
  }

  /** Sender; undefined if the kernel did not report it. */
  get source(): Endpoint | undefined {
    return this.#batch.source(this.#slot)
  }

  /** True if the datagram was longer than the slot; the rest is lost. In a GRO buffer only the last one can be. */
  get truncated(): boolean {
    return this.#isLast && this.#batch.truncated(this.#slot)
  }

  /** True if the control messages did not fit into the slot. */
  get controlTruncated(): boolean {
    return this.#batch.controlTruncated(this.#slot)
  }

  /** TOS or traffic class byte. Requires `recvTos`. All datagrams of a GRO buffer have the same. */
  get tos(): number | undefined {
    return this.#batch.tos(this.#slot)
  }

  /** ECN bits of `tos` (RFC 3168). */
  get ecn(): number | undefined {
    return this.#batch.ecn(this.#slot)
  }

  /** Hops left on arrival. Requires `recvTtl`. */
  get ttl(): number | undefined {
    return this.#batch.ttl(this.#slot)
  }

  /** Local address to which the datagram was sent. Requires `recvDestination`. */
  get destination(): string | undefined {
    return this.#batch.destination(this.#slot)
  }

  /** Index of the interface on which it arrived. Requires `recvDestination`. */
  get interfaceIndex(): number | undefined {
    return this.#batch.interfaceIndex(this.#slot)
  }

  /** Time at which the kernel received it, in nanoseconds since 1970. Requires `recvTimestamps`. */
  get timestampNs(): bigint | undefined {
    return this.#batch.timestampNs(this.#slot)
  }

  /** Returns a copy with its own memory. */
  copy(): DatagramCopy {
    const { source, truncated, controlTruncated, tos, ecn, ttl, destination, interfaceIndex, timestampNs } = this
    const meta = { source, truncated, controlTruncated, tos, ecn, ttl, destination, interfaceIndex, timestampNs }
    return { bytes: Buffer.from(this.#bytes), ...meta }
  }

  /** Returns the properties for `JSON.stringify`, with the byte length instead of the bytes. */
  toJSON(): object {
    const { bytes, ...rest } = this.copy()
    return { byteLength: bytes.byteLength, ...rest, timestampNs: rest.timestampNs?.toString() }
  }

  /** Returns the properties for `console.log`. */
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
