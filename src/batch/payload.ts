import { types } from 'node:util'
import { rangeError, received, typeError } from '../arguments/errors.js'

/** What can be sent: bytes in any view or buffer, or text, which goes out as UTF-8. */
export type Payload = string | ArrayBufferView | ArrayBuffer | SharedArrayBuffer

/**
 * Copies a payload, or the pieces of one, to `offset` in `target`, next to each other.
 *
 * @returns how many bytes that were
 * @throws RangeError `ERR_PAYLOAD_TOO_LONG` if it exceeds `capacity`; nothing is written then
 */
export function copyPayload(
  target: Buffer,
  offset: number,
  capacity: number,
  payload: Payload | readonly Payload[],
): number {
  if (payload instanceof Uint8Array) {
    // Not `byteLength`, which costs ten times as much.
    const { length } = payload
    if (length > capacity) throw tooLong(length, capacity)
    target.set(payload, offset)
    return length
  }
  if (!Array.isArray(payload)) return copyOne(target, offset, capacity, payload as Payload)
  let total = 0
  for (const piece of payload) total += payloadBytes(piece)
  if (total > capacity) throw tooLong(total, capacity)
  let written = 0
  for (const piece of payload) written += copyOne(target, offset + written, capacity - written, piece)
  return written
}

/** The payload as bytes, without copying it. */
export function bytesOf(payload: Exclude<Payload, string>): Uint8Array {
  const bytes = toBytes(payload)
  if (bytes !== undefined) return bytes
  throw wrongType('an ArrayBuffer or a view', payload)
}

function toBytes(payload: unknown): Uint8Array | undefined {
  if (payload instanceof Uint8Array) return payload
  if (ArrayBuffer.isView(payload)) return new Uint8Array(payload.buffer, payload.byteOffset, payload.byteLength)
  // Not `instanceof`: it may come from another realm.
  return types.isAnyArrayBuffer(payload) ? new Uint8Array(payload) : undefined
}

function copyOne(target: Buffer, offset: number, capacity: number, payload: Payload): number {
  const size = payloadBytes(payload)
  if (size > capacity) throw tooLong(size, capacity)
  if (typeof payload === 'string') target.write(payload, offset, size, 'utf8')
  else target.set(bytesOf(payload), offset)
  return size
}

function payloadBytes(payload: Payload): number {
  if (typeof payload === 'string') return Buffer.byteLength(payload)
  const bytes = toBytes(payload)
  if (bytes !== undefined) return bytes.byteLength
  throw wrongType('a string, ArrayBuffer or view', payload)
}

/** The error for a payload of `size` bytes where `capacity` is the most. */
export function tooLong(size: number, capacity: number): RangeError {
  return rangeError(
    'ERR_PAYLOAD_TOO_LONG',
    `payload of ${size} bytes does not fit: ${capacity} is the most (slotBytes)`,
  )
}

function wrongType(expected: string, payload: unknown): TypeError {
  const message = `payload must be ${expected} (Buffer, typed array, DataView); ${received(payload)}`
  return typeError('ERR_INVALID_ARG_TYPE', message)
}
