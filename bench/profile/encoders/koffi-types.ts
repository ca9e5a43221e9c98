import type * as Koffi from 'koffi'
import { koffi } from '../library.js'

/** The structures of sendmmsg(2) as Koffi types. Unnamed: a named type can be created only once per process. */
export interface MessageTypes {
  /** Pointers are numbers. */
  readonly flat: { readonly iovec: Koffi.TypeObject; readonly mmsghdr: Koffi.TypeObject }
  /** Pointers refer to objects, which Koffi converts as well. */
  readonly deep: { readonly mmsghdr: Koffi.TypeObject }
  readonly sockaddrIn: Koffi.TypeObject
}

export function messageTypes(): MessageTypes {
  const { array, pointer, struct } = koffi()
  const sockaddrIn = struct({
    sin_family: 'uint16_t',
    sin_port: 'uint16_t',
    sin_addr: 'uint32_t',
    sin_zero: array('uint8_t', 8),
  })
  const iovec = struct({ iov_base: 'uintptr_t', iov_len: 'size_t' })
  const message = (name: Koffi.TypeObject | string, vector: Koffi.TypeObject | string) =>
    struct({
      msg_hdr: struct({
        msg_name: name,
        msg_namelen: 'uint32_t',
        msg_iov: vector,
        msg_iovlen: 'size_t',
        msg_control: 'uintptr_t',
        msg_controllen: 'size_t',
        msg_flags: 'int',
      }),
      msg_len: 'unsigned int',
    })
  return {
    flat: { iovec, mmsghdr: message('uintptr_t', 'uintptr_t') },
    deep: { mmsghdr: message(pointer(sockaddrIn), pointer(iovec)) },
    sockaddrIn,
  }
}

/** Returns a `sockaddr_in` as an object of its type. @throws Error for IPv6, which these types do not support */
export function sockaddrObject(words: Uint32Array): Record<string, unknown> {
  if (words.byteLength !== 16) throw new Error('it supports IPv4 only')
  return { sin_family: words[0] & 0xffff, sin_port: words[0] >>> 16, sin_addr: words[1], sin_zero: ZEROS }
}

const ZEROS = new Uint8Array(8)
