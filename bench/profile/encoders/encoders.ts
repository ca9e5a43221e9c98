import type * as Koffi from 'koffi'
import type { Unmeasured } from '../../engine/rounds.js'
import { type Endpoint, koffi, SendBatch, SOCKADDR_SLOT_BYTES, sockaddrWords, structs } from '../library.js'
import { type EncoderDefinition, encoderOf, makePayloads, storing } from './encoder.js'
import { DATA_VIEW, FRESH_ALLOCATION, REF_NAPI, TYPED_ARRAY } from './stores.js'

/** The library: headers are built once, and filling a batch writes what changed. */
const LIBRARY: EncoderDefinition = {
  name: 'library',
  describe: 'headers built once, only lengths written (this library)',
  open: ({ batch, sizeBytes, destination }) => {
    const messages = new SendBatch({ capacity: batch, slotBytes: Math.max(1, sizeBytes) })
    const headers = messages.slots.headerAddress(0)
    return encoderOf(batch, () => {
      messages.clear()
      for (let message = 0; message < batch; message += 1) messages.reserve(sizeBytes, destination)
      return headers
    })
  },
}

/** Writes each structure with `koffi.encode`, from an object of its members. */
const KOFFI_ENCODE = storing(
  'koffi-encode',
  'koffi.encode of each structure into native memory',
  ({ batch, sizeBytes, destination, payloads, structures: { bytes, slabs } }) => {
    const { encode } = koffi()
    const { sockaddrIn, iovec, mmsghdr } = messageTypes()
    const sizes = structs()
    const sockaddr = sockaddrObject(destination)
    return () => {
      for (let message = 0; message < batch; message += 1) {
        const name = message * SOCKADDR_SLOT_BYTES
        const vector = message * sizes.iovec.bytes
        encode(bytes, slabs.names.offset + name, sockaddrIn, sockaddr)
        const members = { iov_base: payloads.addresses[message], iov_len: sizeBytes }
        encode(bytes, slabs.iovecs.offset + vector, iovec, members)
        const header = messageObject(slabs.names.address + name, slabs.iovecs.address + vector)
        encode(bytes, slabs.headers.offset + message * sizes.mmsghdr.bytes, mmsghdr, header)
      }
      return slabs.headers.address
    }
  },
)

/**
 * Passes an array of objects to a function declared with `mmsghdr *`: Koffi converts all of it in each call. Alone, it is passed
 * to a C function that does nothing, so that figure includes one FFI crossing.
 */
const KOFFI_OBJECTS: EncoderDefinition = {
  name: 'koffi-objects',
  describe: 'an array of objects, marshalled by Koffi in the call',
  open(plan) {
    const { batch, sizeBytes, destination } = plan
    const { load, pointer } = koffi()
    const parameters = ['int', pointer(messageTypes().deepMmsghdr), 'unsigned int', 'int']
    const sendmmsg = load(null).func('sendmmsg', 'int', parameters)
    const nothing = load(null).func('abs', 'int', parameters)
    const { addresses } = makePayloads(plan)
    const name = sockaddrObject(destination)
    const build = () => addresses.map((address) => messageObject(name, { iov_base: address, iov_len: sizeBytes }))
    return {
      prepare: () => nothing(0, build(), batch, 0),
      prepareAndSend: (fd, flags) => sendmmsg(fd, build(), batch, flags),
    }
  },
}

const hasRefNapi = isRefNapiInstalled()

export const ENCODERS: readonly EncoderDefinition[] = [
  LIBRARY,
  TYPED_ARRAY,
  DATA_VIEW,
  KOFFI_ENCODE,
  KOFFI_OBJECTS,
  ...(hasRefNapi ? [REF_NAPI] : []),
  FRESH_ALLOCATION,
]

/** Encoders that are left out here. */
export const LEFT_OUT: readonly Unmeasured[] = hasRefNapi
  ? []
  : [{ id: `encoder/${REF_NAPI.name}`, reason: 'the package ref-napi is not installed' }]

function isRefNapiInstalled(): boolean {
  try {
    return require.resolve('ref-napi') !== ''
  } catch {
    return false
  }
}

function messageObject(name: object | number, vector: object | number) {
  return {
    msg_hdr: {
      msg_name: name,
      msg_namelen: SOCKADDR_IN_BYTES,
      msg_iov: vector,
      msg_iovlen: 1,
      msg_control: 0,
      msg_controllen: 0,
      msg_flags: 0,
    },
    msg_len: 0,
  }
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
function sockaddrObject(destination: Endpoint): object {
  const words = sockaddrWords(destination)
  if (words.byteLength !== SOCKADDR_IN_BYTES) throw new Error('it supports IPv4 only')
  const [first, address] = words
  return { sin_family: first & 0xffff, sin_port: first >>> 16, sin_addr: address, sin_zero: new Uint8Array(8) }
}

const SOCKADDR_IN_BYTES = 16
