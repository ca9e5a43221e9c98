import { libc, structs } from '../library.js'
import { type EncoderDefinition, makePayloads, sockaddrOf } from './encoder.js'

/** Stores every field in Buffers, pointers with ref-napi's `writePointer`, like users of ffi-napi. */
export const REF_NAPI: EncoderDefinition = {
  name: 'ref-napi',
  describe: 'ref.writePointer for each pointer, ref.address for the call',
  open(plan) {
    const { batch, sizeBytes } = plan
    const { sendmmsg } = libc()
    const ref = require('ref-napi') as Ref
    const { iovec, msghdr, mmsghdr, pointerBytes } = structs()
    if (pointerBytes !== 8) throw new Error('it supports 64-bit machines only')
    const payloads = makePayloads(plan)
    const sockaddr = sockaddrOf(plan)
    const headers = Buffer.alloc(batch * mmsghdr.bytes)
    const iovecs = Buffer.alloc(batch * iovec.bytes)
    const names = Buffer.alloc(batch * sockaddr.length)
    const parts = payloads.offsets.map((offset, message) => ({
      payload: payloads.bytes.subarray(offset, offset + Math.max(1, sizeBytes)),
      iovec: iovecs.subarray(message * iovec.bytes, (message + 1) * iovec.bytes),
      name: names.subarray(message * sockaddr.length, (message + 1) * sockaddr.length),
    }))
    const prepare = (): number => {
      for (let message = 0; message < batch; message += 1) {
        const part = parts[message]
        part.name.set(sockaddr)
        ref.writePointer(part.iovec, iovec.base, part.payload)
        part.iovec.writeBigUInt64LE(BigInt(sizeBytes), iovec.length)
        const header = message * mmsghdr.bytes
        ref.writePointer(headers, header + msghdr.name, part.name)
        headers.writeUInt32LE(sockaddr.length, header + msghdr.nameLength)
        ref.writePointer(headers, header + msghdr.iov, part.iovec)
        headers.writeBigUInt64LE(1n, header + msghdr.iovLength)
        headers.writeBigUInt64LE(0n, header + msghdr.control)
        headers.writeBigUInt64LE(0n, header + msghdr.controlLength)
        headers.writeInt32LE(0, header + msghdr.flags)
        headers.writeUInt32LE(0, header + mmsghdr.length)
      }
      return ref.address(headers)
    }
    return {
      prepare,
      prepareAndSend: (fd, flags) => sendmmsg(fd, prepare(), batch, flags),
      inspect: (look) => look(prepare()),
    }
  },
}

interface Ref {
  writePointer(into: Buffer, offset: number, pointer: Buffer): void
  address(of: Buffer): number
}
