import { isUint8Array, toByteView, uint8Length } from '../memory/byte-view.js'

/** Payload of one message: its bytes, or pieces that are concatenated. */
export type Bytes = string | Uint8Array | readonly (string | Uint8Array)[]

// Not `instanceof`, which is true for a Proxy.
function isPiece(piece: unknown): piece is string | Uint8Array {
  return typeof piece === 'string' || isUint8Array(piece)
}

/** Returns the bytes of a message; of a list a copy, because reading an element can run code that uses the same queue. */
export function ownBytes(message: unknown): Bytes | undefined {
  if (isPiece(message)) return message
  if (!Array.isArray(message)) return undefined
  const list: unknown[] = Array.from(message)
  return list.every(isPiece) ? list : undefined
}

/** Returns true if a message is one piece of bytes, neither text nor a list. */
export function isView(message: Bytes): message is Uint8Array {
  return typeof message !== 'string' && !Array.isArray(message)
}

/** Number of bytes of a message. */
export function sizeOf(message: Bytes): number {
  if (isView(message)) return uint8Length(message)
  if (typeof message === 'string') return Buffer.byteLength(message)
  return message.reduce((sum: number, piece) => sum + sizeOf(piece), 0)
}

/** Returns a copy of a message's bytes. */
export function ownCopy(message: Bytes): Buffer {
  if (typeof message === 'string') return Buffer.from(message)
  if (!isView(message)) return Buffer.concat(message.map(ownCopy))
  const copy = Buffer.allocUnsafeSlow(uint8Length(message))
  copy.set(message)
  return copy
}

/** Returns the bytes of the views; undefined if the memory of one was transferred after `send`. */
export function bytesOfAll(views: readonly ArrayBufferView[]): Uint8Array[] | undefined {
  try {
    return views.flatMap((view) => toByteView(view) ?? [])
  } catch {
    return undefined
  }
}
