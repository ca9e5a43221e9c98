import type * as Koffi from 'koffi'
import { type Address, koffi, SOCKADDR_SLOT_BYTES, sockaddrWords, structs } from '../library.js'
import { type EncoderDefinition, encoderOf, makePayloads, makeStructures } from './encoder.js'

/** Writes each structure with `koffi.encode`, from an object of its members. */
export const KOFFI_ENCODE: EncoderDefinition = {
  name: 'koffi-encode',
  describe: 'koffi.encode of each structure into native memory',
  open(plan) {
    const { batch, sizeBytes, destination } = plan
    const { encode } = koffi()
    const sizes = structs()
    const { sockaddrIn, iovec, mmsghdr } = messageTypes()
    const name = sockaddrObject(sockaddrWords(destination))
    const payloads = makePayloads(plan)
    const { bytes, slabs } = makeStructures(plan)
    return encoderOf(batch, () => {
      for (let message = 0; message < batch; message += 1) {
        encode(bytes, slabs.names.offset + message * SOCKADDR_SLOT_BYTES, sockaddrIn, name)
        encode(bytes, slabs.iovecs.offset + message * sizes.iovec.bytes, iovec, {
          iov_base: payloads.addresses[message],
          iov_len: sizeBytes,
        })
        encode(bytes, slabs.headers.offset + message * sizes.mmsghdr.bytes, mmsghdr, {
          msg_hdr: {
            msg_name: slabs.names.address + message * SOCKADDR_SLOT_BYTES,
            msg_namelen: destination.byteLength,
            msg_iov: slabs.iovecs.address + message * sizes.iovec.bytes,
            msg_iovlen: 1,
            msg_control: 0,
            msg_controllen: 0,
            msg_flags: 0,
          },
          msg_len: 0,
        })
      }
      return slabs.headers.address
    })
  },
}

/**
 * Passes an array of objects to a function declared with `mmsghdr *`: Koffi converts all of it in each call. Alone, it is passed
 * to a C function that does nothing, so that figure includes one FFI crossing.
 */
export const KOFFI_OBJECTS: EncoderDefinition = {
  name: 'koffi-objects',
  describe: 'an array of objects, marshalled by Koffi in the call',
  open(plan) {
    const { batch, sizeBytes, destination } = plan
    const { load, pointer, proto } = koffi()
    const { deepMmsghdr } = messageTypes()
    const messages = pointer(deepMmsghdr)
    const library = load(null)
    const sendmmsg = library.func('sendmmsg', 'int', ['int', messages, 'unsigned int', 'int'])
    const nothing = library.func('abs', 'int', ['int', messages, 'unsigned int', 'int'])
    const compare = pointer(proto('int', ['uintptr_t', 'uintptr_t']))
    const bsearch = library.func('bsearch', 'uintptr_t', ['uintptr_t', messages, 'size_t', 'size_t', compare])
    const name = sockaddrObject(sockaddrWords(destination))
    const payloads = makePayloads(plan)
    const build = () =>
      payloads.addresses.map((address) => ({
        msg_hdr: {
          msg_name: name,
          msg_namelen: destination.byteLength,
          msg_iov: { iov_base: address, iov_len: sizeBytes },
          msg_iovlen: 1,
          msg_control: 0,
          msg_controllen: 0,
          msg_flags: 0,
        },
        msg_len: 0,
      }))
    return {
      prepare: () => {
        nothing(0, build(), batch, 0)
      },
      prepareAndSend: (fd, flags) => sendmmsg(fd, build(), batch, flags),
      // Koffi's structures exist during the call only: bsearch(3) passes the one element to this callback.
      inspect: (look) => {
        bsearch(1, build(), 1, deepMmsghdr.size, (_key: Address, element: Address) => {
          look(Number(element))
          return 0
        })
      },
    }
  },
}

/**
 * Returns the structures of sendmmsg(2) as Koffi types: with pointers as numbers, and in `deepMmsghdr` to objects, which Koffi
 * converts as well. Unnamed: a named type can be created only once per process.
 */
function messageTypes() {
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
  const deepMmsghdr = message(pointer(sockaddrIn), pointer(iovec))
  return { sockaddrIn, iovec, mmsghdr: message('uintptr_t', 'uintptr_t'), deepMmsghdr }
}

/** Returns a `sockaddr_in` as an object of its type. @throws Error for IPv6, which these types do not support */
function sockaddrObject(words: Uint32Array): Record<string, unknown> {
  if (words.byteLength !== 16) throw new Error('it supports IPv4 only')
  return { sin_family: words[0] & 0xffff, sin_port: words[0] >>> 16, sin_addr: words[1], sin_zero: ZEROS }
}

const ZEROS = new Uint8Array(8)
