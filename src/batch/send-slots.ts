import { type Endpoint, sockaddrWords } from '../endpoint/endpoint.js'
import { ControlWriter, controlHeaderBytes, optionControlBytes, segmentControlBytes } from '../layout/control.js'
import { iovecWords, messageWords } from '../layout/message.js'
import { readPointer, writePointer } from '../layout/pointer.js'
import { SOCKADDR_SLOT_BYTES } from '../layout/sockaddr.js'
import { IPPROTO_UDP, UDP_SEGMENT } from '../libc/constants.js'
import type { Address } from '../libc/libc.js'
import { Arena, cacheAligned } from '../memory/arena.js'
import { externalAddress } from '../memory/external.js'
import { allocateUndetachable } from '../memory/undetachable.js'

/**
 * Native memory of a `SendBatch`: an mmsghdr, iovec, sockaddr, control buffer and payload slot per message, linked once. A
 * control buffer starts with the UDP_SEGMENT message; `msg_control` points to it, or past it.
 *
 * Payloads have a separate ArrayBuffer. Callers receive views of it, and must not reach the headers and their native
 * addresses through a view's `buffer`.
 */
export class SendSlots {
  /** Memory of the payloads; slots start at `payloadOffset`. */
  readonly bytes: Buffer
  readonly memory: ArrayBuffer
  /** Memory of the headers. */
  readonly view: DataView
  readonly words: Uint32Array
  readonly #arena: Arena<'headers' | 'iovecs' | 'names' | 'controls'>
  readonly #payloadArena: Arena<'payloads'>
  readonly #payloadStride: number
  readonly #segmentBytes = segmentControlBytes()
  readonly #controlStride = segmentControlBytes() + optionControlBytes()
  readonly #segmentDataAt = controlHeaderBytes()
  readonly #segments: Uint16Array
  readonly #optionBytes: Uint16Array
  readonly #payloads: number
  readonly #message = messageWords()
  readonly #iovec = iovecWords()
  readonly #headersAt: number
  readonly #iovecsAt: number
  readonly #namesAt: number
  // Computed once, because every message uses them.
  readonly #headerStride = this.#message.stride
  readonly #iovecStride = this.#iovec.stride
  readonly #sizesAt: number
  readonly #nameLengthsAt: number

  constructor(capacity: number, slotBytes: number) {
    this.#payloadStride = cacheAligned(slotBytes)
    this.#arena = new Arena({
      headers: capacity * this.#headerStride * 4,
      iovecs: capacity * this.#iovecStride * 4,
      names: capacity * SOCKADDR_SLOT_BYTES,
      controls: capacity * this.#controlStride,
    })
    this.#payloadArena = new Arena({ payloads: capacity * this.#payloadStride }, allocateUndetachable)
    this.#segments = new Uint16Array(capacity)
    this.#optionBytes = new Uint16Array(capacity)
    const { slabs } = this.#arena
    this.bytes = this.#payloadArena.bytes
    this.memory = this.#payloadArena.memory
    this.view = this.#arena.view
    this.words = this.#arena.words
    this.#payloads = this.#payloadArena.slabs.payloads.offset
    this.#headersAt = slabs.headers.offset / 4
    this.#iovecsAt = slabs.iovecs.offset / 4
    this.#namesAt = slabs.names.offset / 4
    this.#sizesAt = this.#iovecsAt + this.#iovec.length
    this.#nameLengthsAt = this.#headersAt + this.#message.nameLength
    const writer = new ControlWriter(this.view)
    for (let slot = 0; slot < capacity; slot += 1) this.#wire(slot, writer)
  }

  /** Address of message `slot`'s mmsghdr, whose first member is its msghdr. */
  headerAddress(slot: number): Address {
    return this.#arena.slabs.headers.address + slot * this.#headerStride * 4
  }

  /** Word offset of message `slot`'s mmsghdr. */
  headerAt(slot: number): number {
    return this.#headersAt + slot * this.#headerStride
  }

  payloadOffset(slot: number): number {
    return this.#payloads + slot * this.#payloadStride
  }

  /** Native address of the message's bytes, in its slot or in external memory. */
  payloadAddress(slot: number): Address {
    return readPointer(this.words, this.#baseAt(slot))
  }

  size(slot: number): number {
    return this.words[this.#sizesAt + slot * this.#iovecStride]
  }

  writeSize(slot: number, byteLength: number): void {
    this.words[this.#sizesAt + slot * this.#iovecStride] = byteLength
  }

  /** Address of message `slot`'s iovec. */
  iovecAddress(slot: number): Address {
    return this.#arena.slabs.iovecs.address + slot * this.#iovecStride * 4
  }

  /** Word offset of message `slot`'s iovec. */
  iovecAt(slot: number): number {
    return this.#iovecsAt + slot * this.#iovecStride
  }

  /** Copies the destination's sockaddr into the slot. Without a destination, a length of 0 is enough (sendmsg(2)). */
  writeDestination(slot: number, destination: Endpoint | undefined): void {
    const { words } = this
    const lengthAt = this.#nameLengthsAt + slot * this.#headerStride
    if (destination === undefined) {
      words[lengthAt] = 0
      return
    }
    words[lengthAt] = destination.byteLength
    const from = sockaddrWords(destination)
    const at = this.#namesAt + (slot * SOCKADDR_SLOT_BYTES) / 4
    for (let index = 0; index < from.length; index += 1) words[at + index] = from[index]
  }

  /** Offset of the control messages of message `slot`, without UDP_SEGMENT. */
  optionsOffset(slot: number): number {
    return this.#controlOffset(slot) + this.#segmentBytes
  }

  /** Segment size of a GSO message; 0 for a single datagram. */
  segmentBytes(slot: number): number {
    return this.#segments[slot]
  }

  /** Number of segments of a GSO message. */
  segments(slot: number): number {
    return Math.ceil(this.size(slot) / this.#segments[slot])
  }

  /** Sets the control messages of a message. */
  writeControl(slot: number, segmentBytes: number, optionBytes: number): void {
    this.#segments[slot] = segmentBytes
    this.#optionBytes[slot] = optionBytes
    this.useControl(this.words, this.headerAt(slot), slot, segmentBytes)
  }

  /** Returns true if both messages have the same control messages, except UDP_SEGMENT. */
  sameOptions(slot: number, other: number): boolean {
    const byteLength = this.#optionBytes[slot]
    if (byteLength !== this.#optionBytes[other]) return false
    if (byteLength === 0) return true
    const [at, otherAt] = [this.optionsOffset(slot) / 4, this.optionsOffset(other) / 4]
    for (let word = 0; word < byteLength / 4; word += 1) {
      if (this.words[at + word] !== this.words[otherAt + word]) return false
    }
    return true
  }

  /**
   * Points a header, at word `headerAt` of `words`, to message `slot`'s control buffer, with or without UDP_SEGMENT.
   * msg_controllen must be 0 when there is no control data; any other value gives EINVAL.
   */
  useControl(words: Uint32Array, headerAt: number, slot: number, segmentBytes: number): void {
    const { control, controlLength } = this.#message
    const optionBytes = this.#optionBytes[slot]
    const address = this.#arena.slabs.controls.address + slot * this.#controlStride
    if (segmentBytes === 0) {
      writePointer(words, headerAt + control, address + this.#segmentBytes)
      words[headerAt + controlLength] = optionBytes
      return
    }
    this.view.setUint16(this.#controlOffset(slot) + this.#segmentDataAt, segmentBytes, true)
    writePointer(words, headerAt + control, address)
    words[headerAt + controlLength] = this.#segmentBytes + optionBytes
  }

  /** Returns the native address of external memory. @throws TypeError if it is resizable */
  referenceAddress(slot: number, payload: Uint8Array, byteLength: number): Address {
    // An empty view may have no memory, and the kernel then requires no address.
    return byteLength === 0 ? this.#ownAddress(slot) : externalAddress(payload)
  }

  /** Points the message's iovec to external memory. */
  pointAt(slot: number, address: Address): void {
    writePointer(this.words, this.#baseAt(slot), address)
  }

  /** Points the message's iovec back to the slot. */
  pointAtSlot(slot: number): void {
    writePointer(this.words, this.#baseAt(slot), this.#ownAddress(slot))
  }

  /** @throws TypeError `ERR_MEMORY_DETACHED` */
  assertAttached(): void {
    this.#payloadArena.assertAttached()
  }

  #wire(slot: number, writer: ControlWriter): void {
    const { slabs } = this.#arena
    const header = this.headerAt(slot)
    writePointer(this.words, header + this.#message.name, slabs.names.address + slot * SOCKADDR_SLOT_BYTES)
    writePointer(this.words, header + this.#message.iov, this.iovecAddress(slot))
    this.words[header + this.#message.iovLength] = 1
    this.pointAtSlot(slot)
    writer.reset(this.#controlOffset(slot), this.#segmentBytes)
    writer.append(IPPROTO_UDP, UDP_SEGMENT, 2)
    this.useControl(this.words, header, slot, 0)
  }

  #controlOffset(slot: number): number {
    return this.#arena.slabs.controls.offset + slot * this.#controlStride
  }

  #baseAt(slot: number): number {
    return this.iovecAt(slot) + this.#iovec.base
  }

  #ownAddress(slot: number): Address {
    return this.#payloadArena.slabs.payloads.address + slot * this.#payloadStride
  }
}
