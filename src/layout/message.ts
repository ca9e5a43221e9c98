import { structs } from '../libc/structs.js'

/**
 * Where the members of an `mmsghdr` are, counted in 32-bit words from its start (recvmmsg(2), `struct mmsghdr`).
 * Members wider than a word are named by their low word: every machine Koffi runs on is little-endian.
 */
export interface MessageWords {
  /** Words from one `mmsghdr` to the next. */
  readonly stride: number
  readonly name: number
  readonly nameLength: number
  readonly iov: number
  readonly iovLength: number
  readonly control: number
  readonly controlLength: number
  readonly flags: number
  /** What the kernel sent or received, in bytes. */
  readonly length: number
}

/** Where the members of an `iovec` are, in 32-bit words. */
export interface IovecWords {
  readonly stride: number
  readonly base: number
  readonly length: number
}

/** The word offsets of `struct mmsghdr` on this machine. */
export function messageWords(): MessageWords {
  const { msghdr, mmsghdr } = structs()
  const at = (member: Exclude<keyof typeof msghdr, 'bytes'>) => (mmsghdr.header + msghdr[member]) / 4
  return {
    stride: mmsghdr.bytes / 4,
    name: at('name'),
    nameLength: at('nameLength'),
    iov: at('iov'),
    iovLength: at('iovLength'),
    control: at('control'),
    controlLength: at('controlLength'),
    flags: at('flags'),
    length: mmsghdr.length / 4,
  }
}

/** The word offsets of `struct iovec` on this machine. */
export function iovecWords(): IovecWords {
  const { iovec } = structs()
  return { stride: iovec.bytes / 4, base: iovec.base / 4, length: iovec.length / 4 }
}

/** Copies an `mmsghdr` from one place to another. */
export function copyMessage(from: Uint32Array, fromAt: number, to: Uint32Array, toAt: number, stride: number): void {
  for (let word = 0; word < stride; word += 1) to[toAt + word] = from[fromAt + word]
}
