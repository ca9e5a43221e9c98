import { isUint8Array } from 'node:util/types'
import { rangeError, received, typeError } from '../arguments/errors.js'
import { byteLengthOf, toByteView, uint8Length } from '../memory/byte-view.js'

/** Payload of a message: bytes in any view or buffer, or text, which is sent as UTF-8. */
export type Payload = string | ArrayBufferView | ArrayBuffer | SharedArrayBuffer

/** Validated piece of a payload: text, or bytes. Read the bounds of bytes only with `memory/byte-view.ts`. */
export type Piece = string | Uint8Array

/**
 * Reads a caller's payload once, without copying. Code of the caller (a Proxy, a getter of a list) runs only here.
 *
 * @throws TypeError `ERR_INVALID_ARG_TYPE`, `ERR_MEMORY_DETACHED`
 */
export function readPayload(payload: Payload | readonly Payload[]): Piece | Piece[] {
  return Array.isArray(payload) ? Array.from(payload, readPiece) : readPiece(payload as Payload)
}

/**
 * Returns the bytes of a payload that is not text.
 *
 * @throws TypeError `ERR_INVALID_ARG_TYPE`, `ERR_MEMORY_DETACHED`
 */
export function bytesOf(payload: Exclude<Payload, string>): Uint8Array {
  // Unlike `instanceof`, this runs no code of a Proxy.
  if (isUint8Array(payload)) {
    checkedLength(payload, ANY_MEMORY)
    return payload
  }
  const bytes = toByteView(payload)
  if (bytes === undefined) throw wrongType(ANY_MEMORY, payload)
  return bytes
}

/**
 * Returns the byte length of a value for which `instanceof Uint8Array` is true.
 *
 * @throws TypeError `ERR_INVALID_ARG_TYPE` for a Proxy or an object with that prototype, `ERR_MEMORY_DETACHED`
 */
export function checkedLength(payload: Uint8Array, expected: string = ANY_PAYLOAD): number {
  let length: number
  try {
    length = uint8Length(payload)
  } catch {
    throw wrongType(expected, payload)
  }
  if (length === 0) toByteView(payload)
  return length
}

/**
 * Copies a payload, or concatenates its pieces, to `offset` in `target`.
 *
 * @returns number of bytes written
 * @throws RangeError `ERR_PAYLOAD_TOO_LONG` if it exceeds `capacity`; then nothing is written
 */
export function copyPayload(target: Buffer, offset: number, capacity: number, payload: Piece | Piece[]): number {
  if (!Array.isArray(payload)) return copyPiece(target, offset, capacity, payload)
  let total = 0
  for (const piece of payload) total += pieceBytes(piece)
  if (total > capacity) throw tooLong(total, capacity)
  let written = 0
  for (const piece of payload) written += copyPiece(target, offset + written, capacity - written, piece)
  return written
}

function copyPiece(target: Buffer, offset: number, capacity: number, piece: Piece): number {
  const size = pieceBytes(piece)
  if (size > capacity) throw tooLong(size, capacity)
  if (typeof piece === 'string') target.write(piece, offset, size, 'utf8')
  else target.set(piece, offset)
  return size
}

function readPiece(payload: Payload): Piece {
  if (typeof payload === 'string') return payload
  const bytes = toByteView(payload)
  if (bytes === undefined) throw wrongType(ANY_PAYLOAD, payload)
  return bytes
}

function pieceBytes(piece: Piece): number {
  if (typeof piece === 'string') return Buffer.byteLength(piece)
  const byteLength = byteLengthOf(piece)
  // Code of the caller that ran after the piece was read may have transferred its memory.
  if (byteLength === 0) toByteView(piece)
  return byteLength
}

/** Returns the error for a payload of `size` bytes that exceeds `capacity`. */
export function tooLong(size: number, capacity: number): RangeError {
  return rangeError(
    'ERR_PAYLOAD_TOO_LONG',
    `payload of ${size} bytes does not fit: at most ${capacity} are allowed (slotBytes)`,
  )
}

function wrongType(expected: string, payload: unknown): TypeError {
  const message = `payload must be ${expected} (Buffer, typed array, DataView); ${received(payload)}`
  return typeError('ERR_INVALID_ARG_TYPE', message)
}

const ANY_PAYLOAD = 'a string, ArrayBuffer or view'
const ANY_MEMORY = 'an ArrayBuffer or a view'
