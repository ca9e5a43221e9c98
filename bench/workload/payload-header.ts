/**
 * What a datagram begins with, in four little-endian 32-bit numbers: stream, sequence number (low and high half),
 * microseconds. The programs in bench/peers write the same.
 */
export const HEADER_BYTES = 16

/** The same as indexes of 32-bit words. Every machine the library runs on is little-endian. */
export const HeaderWord = { stream: 0, sequenceLow: 1, sequenceHigh: 2, microseconds: 3 } as const

/** Writes the headers of a batch of payloads in place. */
export class HeaderStamper {
  readonly #words: Uint32Array<ArrayBufferLike>
  readonly #wordOffsets: Uint32Array

  /**
   * @param payloads - views of one ArrayBuffer, aligned to 4 bytes; if they have no room for a header, none is written
   */
  constructor(payloads: readonly Uint8Array[]) {
    this.#words = wordsOf(payloads[0].buffer)
    const hasRoom = payloads.every((payload) => payload.byteLength >= HEADER_BYTES)
    this.#wordOffsets = Uint32Array.from(hasRoom ? payloads.map((payload) => payload.byteOffset / 4) : [])
  }

  /** Numbers the first `count` payloads from `sequence` on. */
  stamp(count: number, stream: number, sequence: number, microseconds: number): void {
    const words = this.#words
    const offsets = this.#wordOffsets
    const end = Math.min(count, offsets.length)
    let low = sequence >>> 0
    let high = Math.floor(sequence / 2 ** 32)
    for (let index = 0; index < end; index += 1) {
      const at = offsets[index]
      words[at + HeaderWord.stream] = stream
      words[at + HeaderWord.sequenceLow] = low
      words[at + HeaderWord.sequenceHigh] = high
      words[at + HeaderWord.microseconds] = microseconds
      low += 1
      if (low === 2 ** 32) {
        low = 0
        high += 1
      }
    }
  }
}

/** All of a buffer's memory as 32-bit words, less what is over at its end. */
export function wordsOf(buffer: ArrayBufferLike): Uint32Array<ArrayBufferLike> {
  return new Uint32Array(buffer, 0, Math.floor(buffer.byteLength / 4))
}
