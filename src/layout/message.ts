import { structs } from '../libc/structs.js'

/**
 * Offsets of the members of an `mmsghdr`, in 32-bit words (recvmmsg(2), `struct mmsghdr`). The offset of a wider member is
 * that of its low word: all machines that Koffi supports are little-endian.
 */
export interface MessageWords {
  /** Number of words from one `mmsghdr` to the next. */
  readonly stride: number
  readonly name: number
  readonly nameLength: number
  readonly iov: number
  readonly iovLength: number
  readonly control: number
  readonly controlLength: number
  readonly flags: number
  /** Number of bytes that the kernel sent or received. */
  readonly length: number
}

/** Offsets of the members of an `iovec`, in 32-bit words. */
export interface IovecWords {
  readonly stride: number
  readonly base: number
  readonly length: number
}

/** Returns the word offsets of `struct mmsghdr` on this machine. */
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

/** Returns the word offsets of `struct iovec` on this machine. */
export function iovecWords(): IovecWords {
  const { iovec } = structs()
  return { stride: iovec.bytes / 4, base: iovec.base / 4, length: iovec.length / 4 }
}

/** Copies a structure of `stride` words. */
export function copyWords(from: Uint32Array, fromAt: number, to: Uint32Array, toAt: number, stride: number): void {
  for (let word = 0; word < stride; word += 1) to[toAt + word] = from[fromAt + word]
}
