/**
 * What a datagram begins with, in four little-endian 32-bit numbers: stream, sequence number (low and high half),
 * microseconds. The programs in bench/peers write the same.
 */
export const HEADER_BYTES = 16

/** Writes the headers of a batch of payloads in place; of those it wrote before, only what has changed. */
export class HeaderStamper {
  readonly #view: DataView
  readonly #offsets: Int32Array
  /** The same memory, if the payloads lie at even intervals of whole words: that takes half the time. */
  readonly #words: Int32Array | undefined
  readonly #strideWords: number
  /** How many payloads have the present stream and high half. */
  #marked = 0
  #stream = 0
  #high = 0

  /** @param payloads - views of one ArrayBuffer; if they have no room for a header, none is written */
  constructor(payloads: readonly Uint8Array[]) {
    this.#view = new DataView(payloads[0].buffer)
    const hasRoom = payloads.every((payload) => payload.byteLength >= HEADER_BYTES)
    this.#offsets = Int32Array.from(hasRoom ? payloads.map((payload) => payload.byteOffset) : [])
    const { buffer } = payloads[0]
    const [first = 0, second = first] = this.#offsets
    const stride = second - first
    const isEven = this.#offsets.every((offset, index) => offset === first + index * stride)
    const isAligned = first % 4 === 0 && stride % 4 === 0
    this.#words = isEven && isAligned ? new Int32Array(buffer, 0, Math.floor(buffer.byteLength / 4)) : undefined
    this.#strideWords = stride / 4
  }

  /** Numbers the first `count` payloads from `sequence` on. */
  stamp(count: number, stream: number, sequence: number, microseconds: number): void {
    const end = Math.min(count, this.#offsets.length)
    const high = Math.floor(sequence / 2 ** 32)
    const isCrossing = Math.floor((sequence + end) / 2 ** 32) !== high
    if (end > this.#marked || stream !== this.#stream || high !== this.#high || isCrossing) {
      this.#mark(end, stream, sequence)
    }
    // Small integers all the way: as unsigned numbers, half of them would be floating-point ones.
    if (this.#words === undefined) this.#number(end, sequence | 0, microseconds | 0)
    else this.#numberWords(this.#words, end, sequence | 0, microseconds | 0)
  }

  #numberWords(words: Int32Array, end: number, sequence: number, microseconds: number): void {
    const stride = this.#strideWords
    let low = sequence
    let at = this.#offsets[0] / 4
    for (let index = 0; index < end; index += 1) {
      words[at + SEQUENCE_LOW_WORD] = low
      words[at + MICROSECONDS_WORD] = microseconds
      low = (low + 1) | 0
      at = (at + stride) | 0
    }
  }

  #number(end: number, sequence: number, microseconds: number): void {
    for (let index = 0; index < end; index += 1) {
      const at = this.#offsets[index]
      this.#view.setInt32(at + Offset.sequenceLow, sequence + index, true)
      this.#view.setInt32(at + Offset.microseconds, microseconds, true)
    }
  }

  /** Writes what stays the same from batch to batch. */
  #mark(end: number, stream: number, sequence: number): void {
    for (let index = 0; index < end; index += 1) {
      const at = this.#offsets[index]
      this.#view.setUint32(at + Offset.stream, stream, true)
      this.#view.setUint32(at + Offset.sequenceHigh, Math.floor((sequence + index) / 2 ** 32), true)
    }
    this.#marked = end
    this.#stream = stream
    // After a crossing the payloads differ: -1 has the next batch written anew.
    const last = Math.floor((sequence + end) / 2 ** 32)
    this.#high = last === Math.floor(sequence / 2 ** 32) ? last : -1
  }
}

/** Reads headers wherever they are in a block of memory: the datagrams of a train need not be aligned. */
export class HeaderReader {
  readonly buffer: ArrayBufferLike
  readonly #view: DataView

  constructor(buffer: ArrayBufferLike) {
    this.buffer = buffer
    this.#view = new DataView(buffer)
  }

  stream(offset: number): number {
    return this.#view.getUint32(offset + Offset.stream, true)
  }

  sequence(offset: number): number {
    const high = this.#view.getUint32(offset + Offset.sequenceHigh, true)
    return high * 2 ** 32 + this.#view.getUint32(offset + Offset.sequenceLow, true)
  }

  microseconds(offset: number): number {
    return this.#view.getUint32(offset + Offset.microseconds, true)
  }
}

/** One number of the header of a payload that has an ArrayBuffer of its own: cheaper than a DataView for each. */
export function headerWord(payload: Uint8Array, at: number): number {
  return (payload[at] | (payload[at + 1] << 8) | (payload[at + 2] << 16) | (payload[at + 3] << 24)) >>> 0
}

/** Where in a payload each is, in bytes. */
const Offset = { stream: 0, sequenceLow: 4, sequenceHigh: 8, microseconds: 12 } as const
const SEQUENCE_LOW_WORD = Offset.sequenceLow / 4
const MICROSECONDS_WORD = Offset.microseconds / 4

// By another name, because what is exported where it is declared is looked up in `exports` each time it is used.
export { Offset as HeaderOffset }
