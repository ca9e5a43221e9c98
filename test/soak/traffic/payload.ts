import { randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'

/** Flow (2 bytes), length (2), number (4), CRC-32 of these and of the rest (4), little-endian. */
export const HEADER_BYTES = 12

/** Flow and number in a header. */
export interface Numbered {
  readonly flow: number
  readonly sequence: number
}

/**
 * Fills `target` with datagram `sequence` of a flow. A datagram shorter than the header repeats the low byte of its
 * number.
 */
export function writeDatagram(target: Buffer, flow: number, sequence: number): void {
  if (target.length < HEADER_BYTES) {
    target.fill(sequence & 0xff)
    return
  }
  const from = (sequence * 61) % (NOISE.length - MAX_BODY_BYTES)
  NOISE.copy(target, HEADER_BYTES, from, from + target.length - HEADER_BYTES)
  target.writeUInt16LE(flow, 0)
  target.writeUInt16LE(target.length, 2)
  target.writeUInt32LE(sequence, 4)
  target.writeUInt32LE(checksum(target), 8)
}

/** Reads the header. A string describes what is wrong with the datagram. */
export function readDatagram(bytes: Buffer): Numbered | string {
  if (bytes.length < HEADER_BYTES) return `${bytes.length} bytes, too short for the header`
  const flow = bytes.readUInt16LE(0)
  const sequence = bytes.readUInt32LE(4)
  const length = bytes.readUInt16LE(2)
  if (length !== bytes.length) return `${bytes.length} bytes, and its header has ${length}`
  if (bytes.readUInt32LE(8) !== checksum(bytes))
    return `checksum of datagram ${sequence} of flow ${flow} does not match`
  return { flow, sequence }
}

/** Length of datagram `sequence` of a flow of short ones: the receiver derives the number from the order. */
export function shortLength(sequence: number): number {
  return sequence % HEADER_BYTES
}

/** True if `bytes` is datagram `sequence` of a flow of short ones. */
export function isShortDatagram(bytes: Buffer, sequence: number): boolean {
  return bytes.length === shortLength(sequence) && bytes.every((byte) => byte === (sequence & 0xff))
}

function checksum(bytes: Buffer): number {
  return crc32(bytes.subarray(HEADER_BYTES), crc32(bytes.subarray(0, 8)))
}

const MAX_BODY_BYTES = 65_536
const NOISE = randomBytes(2 * MAX_BODY_BYTES)
