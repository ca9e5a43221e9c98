import { type Address, koffi, sockaddrWords } from '../library.js'
import { type EncoderDefinition, makePayloads } from './encoder.js'
import { messageTypes, sockaddrObject } from './koffi-types.js'

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
    const { deep } = messageTypes()
    const messages = pointer(deep.mmsghdr)
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
        bsearch(1, build(), 1, deep.mmsghdr.size, (_key: Address, element: Address) => {
          look(Number(element))
          return 0
        })
      },
    }
  },
}
