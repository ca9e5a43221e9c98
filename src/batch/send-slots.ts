import type { Endpoint } from '../endpoint/endpoint.js'
import { iovecWords, messageWords } from '../layout/message.js'
import { writePointer } from '../layout/pointer.js'
import { SOCKADDR_SLOT_BYTES } from '../layout/sockaddr.js'
import type { Address } from '../libc/libc.js'
import { Arena, cacheAligned } from '../memory/arena.js'
import { foreignAddress } from '../memory/foreign.js'

/** The native memory of a `SendBatch`: an mmsghdr, iovec, sockaddr and payload slot a message, wired together once. */
export class SendSlots {
  /** All of the arena; payload slots are at `payloadOffset`. */
  readonly bytes: Buffer
  readonly #arena: Arena<'headers' | 'iovecs' | 'names' | 'payloads'>
  readonly #words: Uint32Array
  readonly #payloadStride: number
  readonly #payloads: number
  readonly #message = messageWords()
  readonly #iovec = iovecWords()
  readonly #headersAt: number
  readonly #iovecsAt: number
  readonly #namesAt: number
  // Worked out once, for what every message goes through.
  readonly #headerStride = this.#message.stride
  readonly #iovecStride = this.#iovec.stride
  readonly #sizesAt: number
  readonly #nameLengthsAt: number

  constructor(capacity: number, slotBytes: number) {
    this.#payloadStride = cacheAligned(slotBytes)
    this.#arena = new Arena({
      headers: capacity * this.#message.stride * 4,
      iovecs: capacity * this.#iovec.stride * 4,
      names: capacity * SOCKADDR_SLOT_BYTES,
      payloads: capacity * this.#payloadStride,
    })
    const { slabs } = this.#arena
    this.bytes = this.#arena.bytes
    this.#words = this.#arena.words
    this.#payloads = slabs.payloads.offset
    this.#headersAt = slabs.headers.offset / 4
    this.#iovecsAt = slabs.iovecs.offset / 4
    this.#namesAt = slabs.names.offset / 4
    this.#sizesAt = this.#iovecsAt + this.#iovec.length
    this.#nameLengthsAt = this.#headersAt + this.#message.nameLength
    for (let slot = 0; slot < capacity; slot += 1) this.#wire(slot)
  }

  /** The address of message `slot`'s mmsghdr, whose first member is its msghdr. */
  headerAddress(slot: number): Address {
    return this.#arena.slabs.headers.address + slot * this.#headerStride * 4
  }

  payloadOffset(slot: number): number {
    return this.#payloads + slot * this.#payloadStride
  }

  size(slot: number): number {
    return this.#words[this.#sizesAt + slot * this.#iovecStride]
  }

  writeSize(slot: number, byteLength: number): void {
    this.#words[this.#sizesAt + slot * this.#iovecStride] = byteLength
  }

  /** Copies the destination's sockaddr into the slot; for none, a length of 0 is enough (sendmsg(2)). */
  writeDestination(slot: number, destination: Endpoint | undefined): void {
    const words = this.#words
    const lengthAt = this.#nameLengthsAt + slot * this.#headerStride
    if (destination === undefined) {
      words[lengthAt] = 0
      return
    }
    words[lengthAt] = destination.byteLength
    const from = destination.words
    const at = this.#namesAt + (slot * SOCKADDR_SLOT_BYTES) / 4
    for (let index = 0; index < from.length; index += 1) words[at + index] = from[index]
  }

  /** Makes the message's iovec point at memory outside the arena. */
  pointAt(slot: number, payload: Uint8Array): void {
    // An empty view may have no memory behind it, and the kernel then needs no address.
    const address = payload.byteLength === 0 ? this.#payloadAddress(slot) : foreignAddress(payload)
    writePointer(this.#words, this.#baseAt(slot), address)
  }

  /** Makes the message's iovec point at the slot again. */
  pointAtSlot(slot: number): void {
    writePointer(this.#words, this.#baseAt(slot), this.#payloadAddress(slot))
  }

  assertAttached(): void {
    this.#arena.assertAttached()
  }

  #wire(slot: number): void {
    const { slabs } = this.#arena
    const header = this.#headersAt + slot * this.#message.stride
    const iovecAddress = slabs.iovecs.address + slot * this.#iovec.stride * 4
    writePointer(this.#words, header + this.#message.name, slabs.names.address + slot * SOCKADDR_SLOT_BYTES)
    writePointer(this.#words, header + this.#message.iov, iovecAddress)
    this.#words[header + this.#message.iovLength] = 1
    this.pointAtSlot(slot)
  }

  #baseAt(slot: number): number {
    return this.#iovecsAt + slot * this.#iovec.stride + this.#iovec.base
  }

  #payloadAddress(slot: number): Address {
    return this.#arena.slabs.payloads.address + slot * this.#payloadStride
  }
}
