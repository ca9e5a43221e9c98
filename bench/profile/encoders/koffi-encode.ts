import { Arena, koffi, SOCKADDR_SLOT_BYTES, sockaddrWords, structs } from '../library.js'
import { type EncoderDefinition, makePayloads, preparedInPlace } from './encoder.js'
import { messageTypes, sockaddrObject } from './koffi-types.js'

/** Writes each structure with `koffi.encode`, from an object of its members. */
export const KOFFI_ENCODE: EncoderDefinition = {
  name: 'koffi-encode',
  describe: 'koffi.encode of each structure into native memory',
  open(plan) {
    const { batch, sizeBytes, destination } = plan
    const { encode } = koffi()
    const sizes = structs()
    const { flat, sockaddrIn } = messageTypes()
    const name = sockaddrObject(sockaddrWords(destination))
    const payloads = makePayloads(plan)
    const arena = new Arena({
      headers: batch * sizes.mmsghdr.bytes,
      iovecs: batch * sizes.iovec.bytes,
      names: batch * SOCKADDR_SLOT_BYTES,
    })
    const { bytes, slabs } = arena
    const prepare = () => {
      for (let message = 0; message < batch; message += 1) {
        encode(bytes, slabs.names.offset + message * SOCKADDR_SLOT_BYTES, sockaddrIn, name)
        encode(bytes, slabs.iovecs.offset + message * sizes.iovec.bytes, flat.iovec, {
          iov_base: payloads.addresses[message],
          iov_len: sizeBytes,
        })
        encode(bytes, slabs.headers.offset + message * sizes.mmsghdr.bytes, flat.mmsghdr, {
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
    }
    return preparedInPlace(slabs.headers.address, batch, prepare)
  },
}
