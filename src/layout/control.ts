import { structs } from '../libc/structs.js'

/** How many bytes lie before a control message's data (CMSG_LEN(0), cmsg(3)). */
export function controlHeaderBytes(): number {
  const { cmsghdr, pointerBytes } = structs()
  return align(cmsghdr.bytes, pointerBytes)
}

/** How many bytes a control message with `dataBytes` of data takes, padding included (CMSG_SPACE, cmsg(3)). */
export function controlSpace(dataBytes: number): number {
  return controlHeaderBytes() + align(dataBytes, structs().pointerBytes)
}

/** Bytes that the UDP_SEGMENT control message takes. It comes first, so that it can be left out. */
export function segmentControlBytes(): number {
  return controlSpace(2)
}

/** Bytes that all other control messages of one sent message take together. */
export function optionControlBytes(): number {
  const { in6Pktinfo } = structs()
  return 4 * controlSpace(4) + controlSpace(in6Pktinfo.bytes) + controlSpace(8)
}

/**
 * Walks the control messages the kernel left in a buffer (cmsg(3)). One cursor serves any number of buffers,
 * and moving it allocates nothing. It never leaves the bytes it was given, whatever they hold: a length that is too
 * small, or points past the end, ends the walk.
 *
 * @example
 * cursor.reset(start, controlLength)
 * while (cursor.next()) if (cursor.level === SOL_SOCKET && cursor.dataBytes >= 4) view.getUint32(cursor.dataOffset, true)
 */
export class ControlCursor {
  /** The originating protocol of the current message, `SOL_SOCKET` say. */
  level = 0
  /** The protocol's own type of the current message. */
  type = 0
  /** Where the current message's data starts in the view. */
  dataOffset = 0
  /** How many bytes of data the current message has. */
  dataBytes = 0

  readonly #view: DataView
  readonly #header = structs().cmsghdr
  readonly #headerBytes = controlHeaderBytes()
  readonly #alignment = structs().pointerBytes
  #next = 0
  #end = 0

  constructor(view: DataView) {
    this.#view = view
  }

  /** Goes before the first message of the `byteLength` bytes at `offset`; what lies outside the view is left out. */
  reset(offset: number, byteLength: number): void {
    this.#next = offset
    this.#end = Math.min(offset + byteLength, this.#view.byteLength)
  }

  /** Moves to the next message; false when there is none. */
  next(): boolean {
    const start = this.#next
    const left = this.#end - start
    if (left < this.#headerBytes) return false
    // cmsg_len is a size_t: what does not fit its low word is far past any end.
    const length = this.#view.getUint32(start + this.#header.length, true)
    const high = this.#alignment === 8 ? this.#view.getUint32(start + this.#header.length + 4, true) : 0
    if (high !== 0 || length < this.#headerBytes || length > left) {
      this.#next = this.#end
      return false
    }
    this.level = this.#view.getInt32(start + this.#header.level, true)
    this.type = this.#view.getInt32(start + this.#header.type, true)
    this.dataOffset = start + this.#headerBytes
    this.dataBytes = length - this.#headerBytes
    this.#next = start + align(length, this.#alignment)
    return true
  }
}

/** Builds the control messages of one message, one after the other. Allocates nothing. */
export class ControlWriter {
  /** How many bytes have been written since `reset`: what goes into `msg_controllen`. */
  byteLength = 0

  readonly #view: DataView
  readonly #header = structs().cmsghdr
  readonly #headerBytes = controlHeaderBytes()
  #start = 0
  #capacity = 0

  constructor(view: DataView) {
    this.#view = view
  }

  /** Starts a new sequence in the `capacity` bytes at `offset`. */
  reset(offset: number, capacity: number): void {
    this.#start = offset
    this.#capacity = capacity
    this.byteLength = 0
  }

  /**
   * Adds the header of a message and zeroes the room for its data.
   *
   * @returns the offset at which to write `dataBytes` of data
   * @throws RangeError when it does not fit
   */
  append(level: number, type: number, dataBytes: number): number {
    const space = controlSpace(dataBytes)
    if (this.byteLength + space > this.#capacity) {
      throw new RangeError(`control messages need ${this.byteLength + space} bytes, the slot has ${this.#capacity}`)
    }
    const at = this.#start + this.byteLength
    for (let word = 0; word < space; word += 4) this.#view.setUint32(at + word, 0, true)
    this.#view.setUint32(at + this.#header.length, this.#headerBytes + dataBytes, true)
    this.#view.setInt32(at + this.#header.level, level, true)
    this.#view.setInt32(at + this.#header.type, type, true)
    this.byteLength += space
    return at + this.#headerBytes
  }
}

function align(bytes: number, to: number): number {
  return (bytes + to - 1) & ~(to - 1)
}
