import * as c from '../../src/libc/constants.js'
import { libc } from '../../src/libc/libc.js'
import { MMSGHDR } from './abi.js'
import { ArmedHeaders } from './armed-headers.js'
import { type Arrival, store } from './incoming.js'
import { networkErrors } from './network-errors.js'
import { type Outgoing, readOutgoing, type SocketFacts } from './outgoing.js'
import type { RegisteredMemory } from './registered-memory.js'
import { expect } from './violation.js'

/** Answer to one message sent with MSG_ZEROCOPY. */
export interface ZeroCopyAnswer {
  /** 0 to accept it. */
  readonly errno: number
  /** True if it fails after it has got an id, which is completed at once (net/ipv4/udp.c, `udp_send_skb`). */
  readonly isLate: boolean
}

/**
 * Scripted kernel of one socket with zero-copy sends. It keeps the memory of each send until `complete`, and then checks that
 * the bytes are still those that were sent.
 */
export class ZeroCopyKernel {
  answers: ZeroCopyAnswer[] = []
  /** Number of network errors that were put into the error queue. */
  errors = 0
  readonly #memory: RegisteredMemory
  readonly #armed: ArmedHeaders
  readonly #socket: SocketFacts
  readonly #queue: Arrival[] = []
  readonly #sends: { id: number; bytes: Uint8Array; copy: Buffer }[] = []
  #nextId = 0

  constructor(memory: RegisteredMemory, socket: SocketFacts) {
    this.#memory = memory
    this.#armed = new ArmedHeaders(memory)
    this.#socket = socket
  }

  get inFlight(): number {
    return this.#sends.length
  }

  sendmsg(header: number, flags: number): number {
    const message = readOutgoing(this.#memory, header, this.#socket)
    const isZeroCopy = (flags & c.MSG_ZEROCOPY) !== 0
    const { errno, isLate } = (isZeroCopy ? this.answers.shift() : undefined) ?? { errno: 0, isLate: false }
    if (errno !== 0) {
      if (isLate) this.#report(this.#takeId(), this.#nextId - 1, false)
      libc().errno[0] = errno
      return -1
    }
    if (isZeroCopy) this.#hold(message)
    return message.byteLength
  }

  sendmmsg(headers: number, count: number, flags: number): number {
    for (let index = 0; index < count; index += 1) {
      if (this.sendmsg(headers + index * MMSGHDR.bytes, flags) < 0) return index === 0 ? -1 : index
    }
    return count
  }

  recvmmsg(headers: number, count: number, flags: number): number {
    const buffers = this.#armed.read(headers, count, undefined)
    const queue = flags === (c.MSG_ERRQUEUE | c.MSG_DONTWAIT) ? this.#queue : []
    const entries = queue.splice(0, count)
    for (const [index, entry] of entries.entries()) {
      const header = headers + index * MMSGHDR.bytes
      const stored = store(this.#memory, header, buffers[index], entry)
      this.#memory.writeWord(header + MMSGHDR.length, stored.length, 'msg_len')
    }
    if (entries.length > 0) return entries.length
    libc().errno[0] = c.EAGAIN
    return -1
  }

  /** Completes up to `count` sends with consecutive ids, beginning with the send at `index`. */
  complete(index: number, count: number, isCopied: boolean): void {
    const first = this.#sends[index % Math.max(1, this.#sends.length)]
    if (first === undefined) return
    let last = first
    for (let left = count; left > 0; left -= 1) {
      expect(last.copy.equals(last.bytes), () => `memory of zero-copy send ${last.id} changed before its completion`)
      this.#sends.splice(this.#sends.indexOf(last), 1)
      const next = this.#sends.find(({ id }) => id === last.id + 1)
      if (next === undefined || left === 1) break
      last = next
    }
    this.#report(first.id, last.id, isCopied)
  }

  /** Puts a network error into the queue. */
  fail(): void {
    this.errors += 1
    this.#queue.push(...(networkErrors([{ origin: c.SO_EE_ORIGIN_ICMP, errno: c.ECONNREFUSED }]) as Arrival[]))
  }

  #hold({ datagrams: [first], byteLength, segmentBytes }: Outgoing): void {
    expect(segmentBytes > 0, () => 'a send without segments used MSG_ZEROCOPY')
    const bytes = new Uint8Array(first.buffer, first.byteOffset, byteLength)
    this.#sends.push({ id: this.#takeId(), bytes, copy: Buffer.from(bytes) })
  }

  #takeId(): number {
    this.#nextId += 1
    return this.#nextId - 1
  }

  #report(first: number, last: number, isCopied: boolean): void {
    const data = Buffer.alloc(32)
    data.writeUInt8(c.SO_EE_ORIGIN_ZEROCOPY, 4)
    data.writeUInt8(isCopied ? c.SO_EE_CODE_ZEROCOPY_COPIED : 0, 6)
    data.writeUInt32LE(first, 8)
    data.writeUInt32LE(last, 12)
    const control = [{ level: c.IPPROTO_IP, type: c.IP_RECVERR, data }]
    this.#queue.push({ payload: new Uint8Array(0), flags: 0, name: new Uint8Array(0), control })
  }
}
