import { typeError } from '../arguments/errors.js'
import { type Address, addressOf } from '../libc/libc.js'

/**
 * The native address of memory that belongs to the caller.
 *
 * @throws TypeError `ERR_INVALID_ARG_VALUE` if the buffer can be resized: its end could become unreadable while the
 *   kernel holds the address
 */
export function foreignAddress(view: ArrayBufferView): Address {
  const { buffer } = view
  const known = addresses.get(buffer)
  if (known !== undefined) return known + view.byteOffset
  if (isResizable(buffer)) {
    throw typeError('ERR_INVALID_ARG_VALUE', 'payload must not lie in a resizable ArrayBuffer')
  }
  const address = addressOf(new Uint8Array(buffer))
  addresses.set(buffer, address)
  return address + view.byteOffset
}

/** True if the memory behind a view was transferred away after the view was made. */
export function isDetached(view: ArrayBufferView, byteLength: number): boolean {
  return view.byteLength !== byteLength
}

function isResizable(buffer: ArrayBufferLike & { resizable?: boolean; growable?: boolean }): boolean {
  return buffer.resizable === true || buffer.growable === true
}

// Asking Koffi costs about 100 ns, and pooled Buffers share few ArrayBuffers. A transferred buffer becomes a new object.
const addresses = new WeakMap<ArrayBufferLike, Address>()
