import { structs } from '../libc/structs.js'

/** Number of bytes before a control message's data (CMSG_LEN(0), cmsg(3)). */
export function controlHeaderBytes(): number {
  const { cmsghdr, pointerBytes } = structs()
  return align(cmsghdr.bytes, pointerBytes)
}

/** Number of bytes of a control message with `dataBytes` of data, including padding (CMSG_SPACE, cmsg(3)). */
export function controlSpace(dataBytes: number): number {
  return controlHeaderBytes() + align(dataBytes, structs().pointerBytes)
}

/** Number of bytes of the UDP_SEGMENT control message, which comes first so that it can be omitted. */
export function segmentControlBytes(): number {
  return controlSpace(2)
}

/** Number of bytes of all other control messages of a sent message. */
export function optionControlBytes(): number {
  const { in6Pktinfo } = structs()
  return 4 * controlSpace(4) + controlSpace(in6Pktinfo.bytes) + controlSpace(8)
}

/**
 * Iterates over the control messages that the kernel wrote into a buffer (cmsg(3)). One cursor can be reused for any number of
 * buffers, and moving it allocates nothing. It never reads outside the given bytes: a length that is too small, or points
 * past the end, ends the iteration.
 *
 * @example
 * cursor.reset(start, controlLength)
 * while (cursor.next()) if (cursor.level === SOL_SOCKET && cursor.dataBytes >= 4) view.getUint32(cursor.dataOffset, true)
 */
export class ControlCursor {
  /** Originating protocol of the current message, for example `SOL_SOCKET`. */
  level = 0
  /** Protocol-specific type of the current message. */
  type = 0
  /** Offset of the current message's data in the view. */
  dataOffset = 0
  /** Number of data bytes of the current message. */
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

  /** Moves before the first message of the `byteLength` bytes at `offset`. Bytes outside the view are ignored. */
  reset(offset: number, byteLength: number): void {
    this.#next = offset
    this.#end = Math.min(offset + byteLength, this.#view.byteLength)
  }

  /** Moves to the next message. Returns false if there is none. */
  next(): boolean {
    const start = this.#next
    const left = this.#end - start
    if (left < this.#headerBytes) return false
    // cmsg_len is a size_t: a 64-bit one with a high word other than 0 is out of range.
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

/** Writes the control messages of one sent message, one after the other. Allocates nothing. */
export class ControlWriter {
  /** Number of bytes written since `reset`, the value for `msg_controllen`. */
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
   * Adds a message's header and zeroes the space for its data.
   *
   * @returns the offset at which to write `dataBytes` of data
   * @throws RangeError if it does not fit
   */
  append(level: number, type: number, dataBytes: number): number {
    const space = controlSpace(dataBytes)
    if (this.byteLength + space > this.#capacity) {
      throw new RangeError(`control messages require ${this.byteLength + space} bytes; the slot has ${this.#capacity}`)
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
