import { type Address, koffi, sockaddrWords } from '../library.js'
import { messageTypes, sockaddrObject } from './koffi-types.js'
import { makePayloads } from './payloads.js'
import type { Strategy, StrategyDefinition } from './strategy.js'

/**
 * An array of objects, handed to a function declared with `mmsghdr *`: Koffi turns the whole of it into C each call.
 * Alone, it is handed to a C function that does nothing; so that figure has one crossing of the FFI in it.
 */
export const KOFFI_OBJECTS: StrategyDefinition = {
  name: 'koffi-objects',
  describe: 'an array of objects, marshalled by Koffi in the call',
  open(plan): Strategy {
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
      // What Koffi builds lasts as long as the call: bsearch(3) shows it, one element, to a function of ours.
      inspect: (look) => {
        bsearch(1, build(), 1, deep.mmsghdr.size, (_key: Address, element: Address) => {
          look(Number(element))
          return 0
        })
      },
    }
  },
}
