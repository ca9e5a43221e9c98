import {
  type Address,
  addressOf,
  iovecWords,
  messageWords,
  SOCKADDR_SLOT_BYTES,
  sockaddrWords,
  structs,
} from '../library.js'
import { storing } from './encoder.js'

/** Stores every field of every structure for each batch, as 32-bit stores into one typed array. */
export const TYPED_ARRAY = storing(
  'typed-array',
  'all fields stored for each batch, Uint32Array',
  ({ batch, sizeBytes, destination, payloads, structures: { words, slabs } }) => {
    const at = messageWords()
    const vector = iovecWords()
    const nameWords = sockaddrWords(destination)
    // A store into a Uint32Array keeps the low 32 bits of what is stored.
    const writePointer = (at: number, address: number) => {
      words[at] = address
      words[at + 1] = address * 2 ** -32
    }
    const [namesAt, iovecsAt, headersAt] = [slabs.names.offset / 4, slabs.iovecs.offset / 4, slabs.headers.offset / 4]
    const [namesAddress, iovecsAddress] = [slabs.names.address, slabs.iovecs.address]
    const { byteLength } = destination
    return () => {
      for (let message = 0; message < batch; message += 1) {
        const name = namesAt + (message * SOCKADDR_SLOT_BYTES) / 4
        for (let word = 0; word < nameWords.length; word += 1) words[name + word] = nameWords[word]
        const iovec = iovecsAt + message * vector.stride
        writePointer(iovec + vector.base, payloads.addresses[message])
        words[iovec + vector.length] = sizeBytes
        words[iovec + vector.length + 1] = 0
        const header = headersAt + message * at.stride
        writePointer(header + at.name, namesAddress + message * SOCKADDR_SLOT_BYTES)
        words[header + at.nameLength] = byteLength
        writePointer(header + at.iov, iovecsAddress + message * vector.stride * 4)
        words[header + at.iovLength] = 1
        words[header + at.iovLength + 1] = 0
        words[header + at.control] = 0
        words[header + at.control + 1] = 0
        words[header + at.controlLength] = 0
        words[header + at.controlLength + 1] = 0
        words[header + at.flags] = 0
        words[header + at.length] = 0
      }
      return slabs.headers.address
    }
  },
)

/** Stores every field with the DataView method of its width, pointers and sizes as 64-bit BigInts. */
export const DATA_VIEW = storing(
  'data-view',
  'all fields stored for each batch, DataView with BigInt pointers',
  ({ batch, sizeBytes, payloads, sockaddr, structures: { view, bytes, slabs } }) => {
    const { iovec, msghdr, mmsghdr } = structs()
    return () => {
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
      return slabs.headers.address
    }
  },
)

/** Stores every field in Buffers, pointers with ref-napi's `writePointer`, like users of ffi-napi. */
export const REF_NAPI = storing(
  'ref-napi',
  'ref.writePointer for each pointer, ref.address for the call',
  ({ batch, sizeBytes, payloads, sockaddr }) => {
    const ref = require('ref-napi') as {
      writePointer(into: Buffer, offset: number, pointer: Buffer): void
      address(of: Buffer): number
    }
    const { iovec, msghdr, mmsghdr } = structs()
    const headers = Buffer.alloc(batch * mmsghdr.bytes)
    const iovecs = Buffer.alloc(batch * iovec.bytes)
    const names = Buffer.alloc(batch * sockaddr.length)
    const parts = payloads.offsets.map((offset, message) => ({
      payload: payloads.bytes.subarray(offset, offset + Math.max(1, sizeBytes)),
      iovec: iovecs.subarray(message * iovec.bytes, (message + 1) * iovec.bytes),
      name: names.subarray(message * sockaddr.length, (message + 1) * sockaddr.length),
    }))
    return () => {
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
  },
)

/** Allocates memory for each batch: one block of headers, and an iovec and a sockaddr per message. */
export const FRESH_ALLOCATION = storing(
  'fresh-allocation',
  "new memory for each batch, like Go's WriteBatch before it had a pool",
  ({ batch, sizeBytes, destination, payloads }) => {
    const { iovec, msghdr, mmsghdr } = structs()
    // Kept until the next batch, because the kernel reads through plain addresses.
    const held: { memory: ArrayBufferView[] } = { memory: [] }
    const storePointer = (view: DataView, at: number, address: Address) => {
      view.setUint32(at, address, true)
      view.setUint32(at + 4, Math.floor(address / 2 ** 32), true)
    }
    return () => {
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
  },
)
