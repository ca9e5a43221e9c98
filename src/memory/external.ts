import { typeError } from '../arguments/errors.js'
import { type Address, addressOf } from '../libc/libc.js'
import { bufferOf, byteLengthOf, byteOffsetOf, isResizable } from './byte-view.js'
import { isUndetachable, mark } from './undetachable.js'

/**
 * Returns the native address of external memory, which the caller owns.
 *
 * @throws TypeError `ERR_INVALID_ARG_VALUE` if the buffer is resizable: its end could become unreadable while the kernel
 *   uses the address
 */
export function externalAddress(view: Uint8Array): Address {
  const buffer = bufferOf(view)
  const known = addresses.get(buffer)
  if (known !== undefined) return known + byteOffsetOf(view)
  if (isResizable(buffer)) {
    throw typeError('ERR_INVALID_ARG_VALUE', 'payload must not be in a resizable ArrayBuffer')
  }
  const address = addressOf(new Bytes(buffer))
  addresses.set(buffer, address)
  return address + byteOffsetOf(view)
}

/** Returns true if the memory of a view that had `byteLength` bytes was transferred. */
export function isDetached(view: Uint8Array, byteLength: number): boolean {
  return byteLengthOf(view) !== byteLength
}

/** Prevents the transfer of a view's memory to another thread, permanently. */
export function preventTransfer(view: Uint8Array): void {
  const buffer = bufferOf(view)
  if (untransferable.has(buffer)) return
  mark(buffer)
  untransferable.add(buffer)
}

/** Returns true if the view's memory cannot be detached after `preventTransfer`. */
export function canPreventTransfer(view: Uint8Array): boolean {
  return isUndetachable(bufferOf(view))
}

// Captured at load: the address is that of the view which this constructor returns.
const Bytes = Uint8Array

// A Koffi call costs about 100 ns, and pooled Buffers share few ArrayBuffers. A transferred buffer becomes a new object.
const addresses = new WeakMap<ArrayBufferLike, Address>()

const untransferable = new WeakSet<ArrayBufferLike>()
