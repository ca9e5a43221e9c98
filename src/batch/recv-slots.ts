import { iovecWords, messageWords } from '../layout/message.js'
import { writePointer } from '../layout/pointer.js'
import { SOCKADDR_SLOT_BYTES, sockaddrBytes } from '../layout/sockaddr.js'
import type { Address } from '../libc/libc.js'
import { Arena, cacheAligned } from '../memory/arena.js'

/**
 * The native memory of a `RecvBatch`: an mmsghdr, iovec, sockaddr, control buffer and payload slot a message.
 * The kernel writes into `msg_namelen`, `msg_controllen`, `msg_flags` and `msg_len` (recvmmsg(2)); `rearm` restores
 * what it needs before the next call, for the messages that were received only.
 */
export class RecvSlots {
  readonly memory: ArrayBuffer
  readonly bytes: Buffer
  readonly words: Uint32Array
  readonly view: DataView
  readonly #arena: Arena<'headers' | 'iovecs' | 'names' | 'controls' | 'payloads'>
  readonly #message = messageWords()
  readonly #nameBytes = sockaddrBytes('ipv6')
  readonly #slotBytes: number
  readonly #payloadStride: number
  readonly #controlBytes: number
  readonly #headersAt: number
  readonly #namesAt: number
  #unarmed: number

  constructor(capacity: number, slotBytes: number, controlBytes: number) {
    this.#slotBytes = slotBytes
    this.#payloadStride = cacheAligned(slotBytes)
    this.#controlBytes = controlBytes
    const iovec = iovecWords()
    this.#arena = new Arena({
      headers: capacity * this.#message.stride * 4,
      iovecs: capacity * iovec.stride * 4,
      names: capacity * SOCKADDR_SLOT_BYTES,
      controls: capacity * controlBytes,
      payloads: capacity * this.#payloadStride,
    })
    const { slabs } = this.#arena
    this.memory = this.#arena.memory
    this.bytes = this.#arena.bytes
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
      writePointer(this.words, iovecAt + iovec.base, slabs.payloads.address + slot * this.#payloadStride)
      this.words[iovecAt + iovec.length] = slotBytes
    }
    this.#unarmed = capacity
  }

  /** The address of the first mmsghdr, whose first member is its msghdr. */
  get headersAddress(): Address {
    return this.#arena.slabs.headers.address
  }

  /** Makes every header as the kernel wants it, touching the first `#unarmed` only: those it wrote to. */
  rearm(): void {
    const { words } = this
    const { stride, nameLength, controlLength, flags } = this.#message
    for (let slot = 0, at = this.#headersAt; slot < this.#unarmed; slot += 1, at += stride) {
      words[at + nameLength] = this.#nameBytes
      words[at + controlLength] = this.#controlBytes
      words[at + flags] = 0
    }
    this.#unarmed = 0
  }

  /** Notes that the kernel wrote to the first `count` headers. */
  written(count: number): void {
    this.#unarmed = count
  }

  /** For recvmsg, which returns the length instead of storing it. */
  writeLength(slot: number, byteLength: number): void {
    this.words[this.#header(slot) + this.#message.length] = byteLength
  }

  /** How many bytes of the slot are good: never more than it has, whatever the kernel says with MSG_TRUNC. */
  size(slot: number): number {
    return Math.min(this.words[this.#header(slot) + this.#message.length], this.#slotBytes)
  }

  flags(slot: number): number {
    return this.words[this.#header(slot) + this.#message.flags]
  }

  payloadOffset(slot: number): number {
    return this.#arena.slabs.payloads.offset + slot * this.#payloadStride
  }

  /** Where the source's sockaddr is, in words, and its length in bytes. */
  nameAt(slot: number): number {
    return this.#namesAt + (slot * SOCKADDR_SLOT_BYTES) / 4
  }

  nameLength(slot: number): number {
    return Math.min(this.words[this.#header(slot) + this.#message.nameLength], this.#nameBytes)
  }

  controlOffset(slot: number): number {
    return this.#arena.slabs.controls.offset + slot * this.#controlBytes
  }

  /** How many bytes of the control buffer the kernel filled. */
  controlLength(slot: number): number {
    return Math.min(this.words[this.#header(slot) + this.#message.controlLength], this.#controlBytes)
  }

  assertAttached(): void {
    this.#arena.assertAttached()
  }

  #header(slot: number): number {
    return this.#headersAt + slot * this.#message.stride
  }
}
