/**
 * Size of the header at the start of a payload: four little-endian 32-bit numbers: stream, sequence number (low and high
 * half), microseconds. The programs in bench/peers write the same.
 */
export const HEADER_BYTES = 16

/** Writes the headers of a batch of payloads in place; fields that did not change are not written again. */
export class HeaderStamper {
  readonly #view: DataView
  readonly #offsets: Int32Array
  /** The same memory, if all payloads are word-aligned: writing then takes half the time. */
  readonly #words: Int32Array | undefined
  readonly #runs: readonly Run[]
  /** Number of payloads that contain the present stream and high half. */
  #marked = 0
  #stream = 0
  #high = 0

  /** @param payloads - views of one ArrayBuffer; payloads too short for a header are left unchanged */
  constructor(payloads: readonly Uint8Array[]) {
    const { buffer } = payloads[0]
    this.#view = new DataView(buffer)
    const hasRoom = payloads.every((payload) => payload.byteLength >= HEADER_BYTES)
    this.#offsets = Int32Array.from(hasRoom ? payloads.map((payload) => payload.byteOffset) : [])
    const isAligned = this.#offsets.every((offset) => offset % 4 === 0)
    this.#words = isAligned ? new Int32Array(buffer, 0, Math.floor(buffer.byteLength / 4)) : undefined
    this.#runs = runsOf(this.#offsets.map((offset) => offset / 4))
  }

  /** Numbers the first `count` payloads from `sequence` on. */
  stamp(count: number, stream: number, sequence: number, microseconds: number): void {
    const end = Math.min(count, this.#offsets.length)
    const high = Math.floor(sequence / 2 ** 32)
    const isCrossing = Math.floor((sequence + end) / 2 ** 32) !== high
    if (end > this.#marked || stream !== this.#stream || high !== this.#high || isCrossing) {
      this.#mark(end, stream, sequence)
    }
    // Signed: V8 stores them as small integers; half of the unsigned ones would be heap numbers.
    if (this.#words === undefined) this.#number(end, sequence | 0, microseconds | 0)
    else this.#numberWords(this.#words, end, sequence | 0, microseconds | 0)
  }

  #numberWords(words: Int32Array, end: number, sequence: number, microseconds: number): void {
    let low = sequence
    let left = end
    for (const { first, stride, count } of this.#runs) {
      let at = first
      for (let last = Math.max(0, left - count); left > last; left -= 1) {
        words[at + SEQUENCE_LOW_WORD] = low
        words[at + MICROSECONDS_WORD] = microseconds
        low = (low + 1) | 0
        at = (at + stride) | 0
      }
    }
  }

  #number(end: number, sequence: number, microseconds: number): void {
    for (let index = 0; index < end; index += 1) {
      const at = this.#offsets[index]
      this.#view.setInt32(at + Offset.sequenceLow, sequence + index, true)
      this.#view.setInt32(at + Offset.microseconds, microseconds, true)
    }
  }

  /** Writes the fields that are the same in each batch. */
  #mark(end: number, stream: number, sequence: number): void {
    for (let index = 0; index < end; index += 1) {
      const at = this.#offsets[index]
      this.#view.setUint32(at + Offset.stream, stream, true)
      this.#view.setUint32(at + Offset.sequenceHigh, Math.floor((sequence + index) / 2 ** 32), true)
    }
    this.#marked = end
    this.#stream = stream
    // The high halves differ within this batch: -1 makes the next batch write them again.
    const last = Math.floor((sequence + end) / 2 ** 32)
    this.#high = last === Math.floor(sequence / 2 ** 32) ? last : -1
  }
}

/** Offsets at equal distances. */
type Run = { readonly first: number; stride: number; count: number }

function runsOf(offsets: Int32Array): Run[] {
  const runs: Run[] = []
  for (const offset of offsets) {
    const run = runs.at(-1)
    if (run?.count === 1) run.stride = offset - run.first
    if (run !== undefined && offset === run.first + run.count * run.stride) run.count += 1
    else runs.push({ first: offset, stride: 0, count: 1 })
  }
  return runs
}

/** Reads headers at any offset of a block of memory: coalesced datagrams need not be aligned. */
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

/** Reads one number of a payload's header: faster than a DataView per payload. */
export function headerWord(payload: Uint8Array, at: number): number {
  return (payload[at] | (payload[at + 1] << 8) | (payload[at + 2] << 16) | (payload[at + 3] << 24)) >>> 0
}

/** Returns the sequence number in a payload's header. */
export function sequenceOf(payload: Uint8Array): number {
  return headerWord(payload, Offset.sequenceHigh) * 2 ** 32 + headerWord(payload, Offset.sequenceLow)
}

/** Writes the header of one payload, without the time. */
export function writeHeader(payload: Buffer, stream: number, sequence: number): void {
  payload.writeUInt32LE(stream, Offset.stream)
  payload.writeUInt32LE(sequence % 2 ** 32, Offset.sequenceLow)
  payload.writeUInt32LE(Math.floor(sequence / 2 ** 32), Offset.sequenceHigh)
}

const Offset = { stream: 0, sequenceLow: 4, sequenceHigh: 8, microseconds: 12 } as const
const SEQUENCE_LOW_WORD = Offset.sequenceLow / 4
const MICROSECONDS_WORD = Offset.microseconds / 4

// A separate export: compiled to CommonJS, `export const` would be looked up in `exports` at each use.
export { Offset as HeaderOffset }

/** CLOCK_MONOTONIC in microseconds, modulo 2^32: the timestamp in a payload header. */
export function monotonicMicroseconds(nowMs = performance.now()): number {
  return (nowMs * 1000 + ORIGIN_MICROSECONDS) >>> 0
}

// performance.now() counts from the start of the process on the same clock; other programs stamp the clock itself. The
// first readings take long, and the time between the two makes the difference too large: the smallest is the best.
const ORIGIN_MICROSECONDS = Math.min(
  ...Array.from({ length: 5 }, () => {
    const sinceStart = performance.now() * 1000
    return Number(process.hrtime.bigint()) / 1000 - sinceStart
  }),
)
