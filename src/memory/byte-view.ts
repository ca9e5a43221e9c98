import { types } from 'node:util'
import { typeError } from '../arguments/errors.js'

/**
 * Reads the bounds of a caller's view through the engine's own accessors. A property of the caller's object can be wrong (an
 * own property, a subclass, a Proxy, a getter with changing results). These accessors read the internal slots of objects of
 * any realm, and throw for anything other than a view.
 */

/** Returns true for a `Uint8Array` of any realm; false for a Proxy of one. */
export function isUint8Array(value: unknown): value is Uint8Array {
  // Not `types.isUint8Array`, whose bound function costs a send of the drop-in 8 ns.
  return typedTag.call(value) === 'Uint8Array'
}

/** Number of bytes of a `Uint8Array`. @throws TypeError without a code if it is not a typed array */
export function uint8Length(view: Uint8Array): number {
  return typedLength.call(view)
}

/** Number of bytes of any typed array; 0 if its memory was transferred. */
export function byteLengthOf(view: Uint8Array): number {
  return typedByteLength.call(view)
}

/** Offset of the view in its buffer, in bytes. */
export function byteOffsetOf(view: Uint8Array): number {
  return typedByteOffset.call(view)
}

/** Buffer of the view. */
export function bufferOf(view: Uint8Array): ArrayBufferLike {
  return typedBuffer.call(view)
}

/** Returns true if the buffer's end can move: a resizable ArrayBuffer or a growable SharedArrayBuffer. */
export function isResizable(buffer: ArrayBufferLike): boolean {
  const getter = types.isSharedArrayBuffer(buffer) ? growable : resizable
  return getter?.call(buffer) === true
}

/**
 * Returns the bytes of a view or buffer: a `Uint8Array` itself, or a `Uint8Array` over the same memory. Read its bounds with
 * the functions above.
 *
 * @returns undefined for anything other than a view or a buffer
 * @throws TypeError `ERR_MEMORY_DETACHED` if the memory was transferred, or shrunk below the view
 */
export function toByteView(value: unknown): Uint8Array | undefined {
  try {
    if (ArrayBuffer.isView(value)) return viewOf(value)
    // `instanceof` would fail for a buffer of another realm.
    if (types.isSharedArrayBuffer(value)) return new Uint8Array(value, 0, sharedByteLength.call(value))
    if (types.isArrayBuffer(value)) return new Uint8Array(value, 0, bufferByteLength.call(value))
  } catch {
    throw detached()
  }
  return undefined
}

function viewOf(view: ArrayBufferView): Uint8Array {
  const name = typedTag.call(view)
  if (name === undefined) {
    return new Uint8Array(dataView.buffer.call(view), dataView.byteOffset.call(view), dataView.byteLength.call(view))
  }
  // `at` throws for detached or shrunk memory, for which the bounds would be 0.
  typedAt.call(view, 0)
  if (name === 'Uint8Array') return view as Uint8Array
  return new Uint8Array(typedBuffer.call(view), typedByteOffset.call(view), typedByteLength.call(view))
}

function detached(): TypeError {
  return typeError('ERR_MEMORY_DETACHED', 'the memory of the payload was transferred or shrunk')
}

function getterOf<T>(prototype: object, name: string | symbol): (this: unknown) => T {
  const getter = Object.getOwnPropertyDescriptor(prototype, name)?.get
  if (getter === undefined) throw new Error(`this runtime has no accessor ${String(name)}`)
  return getter
}

const { prototype } = Object.getPrototypeOf(Uint8Array) as { prototype: Uint8Array }
// Module constants instead of fields of an object, so that V8 can treat each function as constant.
const typedLength = getterOf<number>(prototype, 'length')
const typedByteLength = getterOf<number>(prototype, 'byteLength')
const typedByteOffset = getterOf<number>(prototype, 'byteOffset')
const typedBuffer = getterOf<ArrayBufferLike>(prototype, 'buffer')
const typedTag = getterOf<string | undefined>(prototype, Symbol.toStringTag)
const typedAt: (this: unknown, index: number) => unknown = prototype.at
const dataView = {
  byteLength: getterOf<number>(DataView.prototype, 'byteLength'),
  byteOffset: getterOf<number>(DataView.prototype, 'byteOffset'),
  buffer: getterOf<ArrayBufferLike>(DataView.prototype, 'buffer'),
}
const bufferByteLength = getterOf<number>(ArrayBuffer.prototype, 'byteLength')
const sharedByteLength = getterOf<number>(SharedArrayBuffer.prototype, 'byteLength')
const resizable = Object.getOwnPropertyDescriptor(ArrayBuffer.prototype, 'resizable')?.get
const growable = Object.getOwnPropertyDescriptor(SharedArrayBuffer.prototype, 'growable')?.get
