import { addressOf, libc } from '../../../src/libc/libc.js'

/** The calls that the kernel view checks. */
export const CALLS = ['sendmsg', 'sendmmsg', 'recvmsg', 'recvmmsg'] as const

export type Call = (typeof CALLS)[number]

/** Memory in an ArrayBuffer of its own, registered as the library's arenas are. */
export interface Piece {
  readonly view: DataView
  readonly address: number
}

export function piece(byteLength: number): Piece {
  const view = new DataView(new ArrayBuffer(byteLength))
  return { view, address: addressOf(view) }
}

/** Two hand-made messages, each part in its own memory: 16 bytes of name, two iovecs, 64 bytes of control. */
export class HandMade {
  readonly headers = piece(2 * mmsghdr.bytes)
  readonly vectors = [piece(2 * iovec.bytes), piece(2 * iovec.bytes)]
  readonly #kept: Piece[] = []
  /** Address that the call passes: that of `headers`, unless a fault changes it. */
  address = this.headers.address
  count = 2
  timeout = 0

  constructor() {
    for (const message of [0, 1]) {
      this.set(message, 'name', this.#new(16))
      this.set(message, 'nameLength', 16)
      this.set(message, 'control', this.#new(64))
      this.set(message, 'controlLength', 64)
      this.set(message, 'iov', this.vectors[message].address)
      this.set(message, 'iovLength', 2)
      this.setVector(message, 0, this.#new(100), 100)
      this.setVector(message, 1, this.#new(100), 100)
    }
  }

  /** Writes a member of a message's header. */
  set(message: number, member: Exclude<keyof typeof msghdr, 'bytes'>, value: number): void {
    const at = message * mmsghdr.bytes + mmsghdr.header + msghdr[member]
    if (member === 'nameLength') this.headers.view.setUint32(at, value, true)
    else this.headers.view.setBigUint64(at, BigInt(value), true)
  }

  get(message: number, member: 'name' | 'control'): number {
    return Number(this.headers.view.getBigUint64(message * mmsghdr.bytes + mmsghdr.header + msghdr[member], true))
  }

  setVector(message: number, index: number, address: number, byteLength: number): void {
    const { view } = this.vectors[message]
    view.setBigUint64(index * iovec.bytes + iovec.base, BigInt(address), true)
    view.setBigUint64(index * iovec.bytes + iovec.length, BigInt(byteLength), true)
  }

  /** Makes the call with an invalid descriptor: the checker runs first, and the kernel then returns EBADF. */
  call(call: Call): void {
    const { sendmsg, sendmmsg, recvmsg, recvmmsg } = libc()
    const noSocket = -1
    if (call === 'sendmsg') sendmsg(noSocket, this.address, 0)
    if (call === 'sendmmsg') sendmmsg(noSocket, this.address, this.count, 0)
    if (call === 'recvmsg') recvmsg(noSocket, this.address, 0)
    if (call === 'recvmmsg') recvmmsg(noSocket, this.address, this.count, 0, this.timeout)
  }

  /** Returns the address of new memory that this object references. */
  #new(byteLength: number): number {
    const made = piece(byteLength)
    this.#kept.push(made)
    return made.address
  }
}

// Only the layouts are imported, because the library's code that writes headers is under test.
const { iovec, mmsghdr, msghdr } = libc().structs
