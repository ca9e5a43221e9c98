import { type Address, addressOf, libc, sockaddrWords, structs } from '../library.js'
import { type EncoderDefinition, makePayloads } from './encoder.js'

/** Allocates memory for each batch: one block of headers, and an iovec and a sockaddr per message. */
export const FRESH_ALLOCATION: EncoderDefinition = {
  name: 'fresh-allocation',
  describe: "new memory for each batch, like Go's WriteBatch before it had a pool",
  open(plan) {
    const { batch, sizeBytes, destination } = plan
    const { sendmmsg } = libc()
    const { iovec, msghdr, mmsghdr } = structs()
    const payloads = makePayloads(plan)
    // Kept until the next batch, because the kernel reads through plain addresses.
    const held: { memory: ArrayBufferView[] } = { memory: [] }
    const storePointer = (view: DataView, at: number, address: Address) => {
      view.setUint32(at, address, true)
      view.setUint32(at + 4, Math.floor(address / 2 ** 32), true)
    }
    const prepare = (): Address => {
      const headers = new DataView(new ArrayBuffer(batch * mmsghdr.bytes))
      const memory: ArrayBufferView[] = [headers]
      for (let message = 0; message < batch; message += 1) {
        const vector = new DataView(new ArrayBuffer(iovec.bytes))
        storePointer(vector, iovec.base, payloads.addresses[message])
        vector.setUint32(iovec.length, sizeBytes, true)
        const name = new Uint32Array(sockaddrWords(destination))
        const header = message * mmsghdr.bytes
        storePointer(headers, header + msghdr.name, addressOf(name))
        headers.setUint32(header + msghdr.nameLength, destination.byteLength, true)
        storePointer(headers, header + msghdr.iov, addressOf(vector))
        headers.setUint32(header + msghdr.iovLength, 1, true)
        memory.push(vector, name)
      }
      held.memory = memory
      return addressOf(headers)
    }
    return {
      prepare,
      prepareAndSend: (fd, flags) => sendmmsg(fd, prepare(), batch, flags),
      inspect: (look) => {
        look(prepare())
        held.memory = []
      },
    }
  },
}
