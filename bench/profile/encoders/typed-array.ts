import { Arena, iovecWords, messageWords, SOCKADDR_SLOT_BYTES, sockaddrWords, structs } from '../library.js'
import { type EncoderDefinition, makePayloads, preparedInPlace } from './encoder.js'

/** Stores every field of every structure for each batch, as 32-bit stores into one typed array. */
export const TYPED_ARRAY: EncoderDefinition = {
  name: 'typed-array',
  describe: 'all fields stored for each batch, Uint32Array',
  open(plan) {
    const { batch, sizeBytes, destination } = plan
    const at = messageWords()
    const vector = iovecWords()
    const payloads = makePayloads(plan)
    const arena = new Arena({
      headers: batch * at.stride * 4,
      iovecs: batch * vector.stride * 4,
      names: batch * SOCKADDR_SLOT_BYTES,
    })
    const { words, slabs } = arena
    const nameWords = sockaddrWords(destination)
    if (structs().pointerBytes !== 8) throw new Error('it supports 64-bit machines only')
    // A store into a Uint32Array keeps the low 32 bits of what is stored.
    const writePointer = (at: number, address: number) => {
      words[at] = address
      words[at + 1] = address * 2 ** -32
    }
    const [namesAt, iovecsAt, headersAt] = [slabs.names.offset / 4, slabs.iovecs.offset / 4, slabs.headers.offset / 4]
    const [namesAddress, iovecsAddress] = [slabs.names.address, slabs.iovecs.address]
    const { byteLength } = destination
    const prepare = () => {
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
    }
    return preparedInPlace(slabs.headers.address, batch, prepare)
  },
}
