import { iovecWords, messageWords } from '../layout/message.js'
import { writePointer } from '../layout/pointer.js'
import { SOCKADDR_SLOT_BYTES, sockaddrBytes } from '../layout/sockaddr.js'
import { MSG_TRUNC } from '../libc/constants.js'
import type { Address } from '../libc/libc.js'
import { Arena, cacheAligned } from '../memory/arena.js'

/**
 * Native memory of a `RecvBatch`: an mmsghdr, iovec, sockaddr, control buffer and payload slot per message. The kernel
 * writes `msg_namelen`, `msg_controllen`, `msg_flags` and `msg_len` (recvmmsg(2)). `prepare` restores the members that
 * the next call requires, only in headers that were used.
 *
 * Payloads have a separate ArrayBuffer. Callers receive views of it, and must not reach the headers and their native
 * addresses through a view's `buffer`.
 */
export class RecvSlots {
  readonly capacity: number
  readonly slotBytes: number
  /** Memory of the payloads; slots start at `payloadOffset`. */
  readonly memory: ArrayBuffer
  readonly bytes: Buffer
  /** Memory of the headers. */
  readonly words: Uint32Array
  readonly view: DataView
  /** Number of slots the last receive filled. */
  length = 0
  /** Counter that changes with each receive. */
  generation = 0
  /** Number of payload bytes in the filled slots. */
  byteLength = 0
  /** True if a filled slot has control messages, or a truncated datagram. */
  hasControl = false
  hasTruncated = false
  /** True from a call until `done`. Stays true if the execution ends in between: by a termination, or a stack overflow. */
  isReceiving = false
  readonly #arena: Arena<'headers' | 'iovecs' | 'names' | 'controls'>
  readonly #payloadArena: Arena<'payloads'>
  readonly #message = messageWords()
  readonly #nameBytes = sockaddrBytes('ipv6')
  readonly #payloadStride: number
  readonly #controlBytes: number
  readonly #headersAt: number
  readonly #namesAt: number
  #unarmed: number

  constructor(capacity: number, slotBytes: number, controlBytes: number) {
    this.capacity = capacity
    this.slotBytes = slotBytes
    this.#payloadStride = cacheAligned(slotBytes)
    this.#controlBytes = controlBytes
    const iovec = iovecWords()
    this.#arena = new Arena({
      headers: capacity * this.#message.stride * 4,
      iovecs: capacity * iovec.stride * 4,
      names: capacity * SOCKADDR_SLOT_BYTES,
      controls: capacity * controlBytes,
    })
    this.#payloadArena = new Arena({ payloads: capacity * this.#payloadStride })
    const { slabs } = this.#arena
    const payloads = this.#payloadArena.slabs.payloads.address
    this.memory = this.#payloadArena.memory
    this.bytes = this.#payloadArena.bytes
    this.words = this.#arena.words
    this.view = this.#arena.view
    this.#headersAt = slabs.headers.offset / 4
    this.#namesAt = slabs.names.offset / 4
    for (let slot = 0; slot < capacity; slot += 1) {
      const header = this.#header(slot)
      const iovecAt = slabs.iovecs.offset / 4 + slot * iovec.stride
      writePointer(this.words, header + this.#message.name, slabs.names.address + slot * SOCKADDR_SLOT_BYTES)
      writePointer(this.words, header + this.#message.iov, slabs.iovecs.address + slot * iovec.stride * 4)
      writePointer(this.words, header + this.#message.control, slabs.controls.address + slot * controlBytes)
      this.words[header + this.#message.iovLength] = 1
      writePointer(this.words, iovecAt + iovec.base, payloads + slot * this.#payloadStride)
      this.words[iovecAt + iovec.length] = slotBytes
    }
    this.#unarmed = capacity
  }

  /** Address of the first mmsghdr, whose first member is its msghdr. */
  get headersAddress(): Address {
    return this.#arena.slabs.headers.address
  }

  /**
   * Empties the batch and restores the headers. Only the first `#unarmed` headers are restored: those the kernel wrote to.
   *
   * @throws TypeError `ERR_MEMORY_DETACHED`
   */
  prepare(): void {
    this.assertAttached()
    if (this.isReceiving) this.#unarmed = this.capacity
    const { words } = this
    const { stride, nameLength, controlLength, flags } = this.#message
    for (let slot = 0, at = this.#headersAt; slot < this.#unarmed; slot += 1, at += stride) {
      words[at + nameLength] = this.#nameBytes
      words[at + controlLength] = this.#controlBytes
      words[at + flags] = 0
    }
    this.#unarmed = 0
    this.length = 0
    this.isReceiving = true
  }

  /** Records that the kernel filled the first `count` slots. */
  fill(count: number): void {
    this.#unarmed = count
    this.length = count
    this.generation = (this.generation + 1) >>> 0
    this.#sum()
  }

  /** Records that a call failed, or that what it received was counted. */
  done(): void {
    this.isReceiving = false
  }

  /** Number of filled slots with a truncated datagram. */
  countTruncated(): number {
    let count = 0
    for (let slot = 0; slot < this.length; slot += 1) if ((this.flags(slot) & MSG_TRUNC) !== 0) count += 1
    return count
  }

  /** Stores the length that recvmsg returns; recvmmsg stores it itself. */
  writeLength(slot: number, byteLength: number): void {
    this.words[this.#header(slot) + this.#message.length] = byteLength
  }

  /** Number of received bytes in the slot. With MSG_TRUNC the kernel may report more than the slot's size. */
  size(slot: number): number {
    return Math.min(this.words[this.#header(slot) + this.#message.length], this.slotBytes)
  }

  flags(slot: number): number {
    return this.words[this.#header(slot) + this.#message.flags]
  }

  payloadOffset(slot: number): number {
    return this.#payloadArena.slabs.payloads.offset + slot * this.#payloadStride
  }

  /** Word offset of the source's sockaddr. */
  nameAt(slot: number): number {
    return this.#namesAt + (slot * SOCKADDR_SLOT_BYTES) / 4
  }

  nameLength(slot: number): number {
    return Math.min(this.words[this.#header(slot) + this.#message.nameLength], this.#nameBytes)
  }

  controlOffset(slot: number): number {
    return this.#arena.slabs.controls.offset + slot * this.#controlBytes
  }

  /** Number of bytes that the kernel wrote into the control buffer. */
  controlLength(slot: number): number {
    return Math.min(this.words[this.#header(slot) + this.#message.controlLength], this.#controlBytes)
  }

  /** @throws TypeError `ERR_MEMORY_DETACHED` */
  assertAttached(): void {
    this.#payloadArena.assertAttached()
  }

  // One pass over the headers: this runs for each datagram.
  #sum(): void {
    const { words, slotBytes } = this
    const { stride, length, flags, controlLength } = this.#message
    let bytes = 0
    let allFlags = 0
    let controlBytes = 0
    for (let slot = 0, at = this.#headersAt; slot < this.length; slot += 1, at += stride) {
      const size = words[at + length]
      bytes += size < slotBytes ? size : slotBytes
      allFlags |= words[at + flags]
      controlBytes |= words[at + controlLength]
    }
    this.byteLength = bytes
    this.hasControl = controlBytes !== 0
    this.hasTruncated = (allFlags & MSG_TRUNC) !== 0
  }

  #header(slot: number): number {
    return this.#headersAt + slot * this.#message.stride
  }
}
