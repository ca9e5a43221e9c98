import { Arena, SOCKADDR_SLOT_BYTES, structs } from '../library.js'
import { type EncoderDefinition, makePayloads, preparedInPlace, sockaddrOf } from './encoder.js'

/** Stores every field with the DataView method of its width, pointers and sizes as 64-bit BigInts. */
export const DATA_VIEW: EncoderDefinition = {
  name: 'data-view',
  describe: 'all fields stored for each batch, DataView with BigInt pointers',
  open(plan) {
    const { batch, sizeBytes } = plan
    const { iovec, msghdr, mmsghdr, pointerBytes } = structs()
    if (pointerBytes !== 8) throw new Error('it supports 64-bit machines only')
    const payloads = makePayloads(plan)
    const sockaddr = sockaddrOf(plan)
    const arena = new Arena({
      headers: batch * mmsghdr.bytes,
      iovecs: batch * iovec.bytes,
      names: batch * SOCKADDR_SLOT_BYTES,
    })
    const { view, bytes, slabs } = arena
    const prepare = () => {
      for (let message = 0; message < batch; message += 1) {
        bytes.set(sockaddr, slabs.names.offset + message * SOCKADDR_SLOT_BYTES)
        const vector = slabs.iovecs.offset + message * iovec.bytes
        view.setBigUint64(vector + iovec.base, BigInt(payloads.addresses[message]), true)
        view.setBigUint64(vector + iovec.length, BigInt(sizeBytes), true)
        const header = slabs.headers.offset + message * mmsghdr.bytes
        const nameAddress = BigInt(slabs.names.address + message * SOCKADDR_SLOT_BYTES)
        view.setBigUint64(header + msghdr.name, nameAddress, true)
        view.setUint32(header + msghdr.nameLength, sockaddr.length, true)
        view.setBigUint64(header + msghdr.iov, BigInt(slabs.iovecs.address + message * iovec.bytes), true)
        view.setBigUint64(header + msghdr.iovLength, 1n, true)
        view.setBigUint64(header + msghdr.control, 0n, true)
        view.setBigUint64(header + msghdr.controlLength, 0n, true)
        view.setInt32(header + msghdr.flags, 0, true)
        view.setUint32(header + mmsghdr.length, 0, true)
      }
    }
    return preparedInPlace(slabs.headers.address, batch, prepare)
  },
}
