import { koffi } from '../../src/libc/koffi.js'
import { structs } from '../../src/libc/structs.js'

/** Returns the memory at a native address, without any of the code under test. */
export function nativeView(address: number, byteLength: number): DataView {
  return new DataView(koffi().view(BigInt(address), byteLength))
}

/** Returns a copy of the bytes at a native address. */
export function nativeBytes(address: number, byteLength: number): Buffer {
  return Buffer.from(Buffer.from(koffi().view(BigInt(address), byteLength)))
}

/** Contents of an mmsghdr and of the memory it points to, as the kernel reads them. */
export interface NativeMessage {
  /** `undefined` when `msg_namelen` is 0. */
  readonly name: Buffer | undefined
  readonly nameAddress: number
  readonly iovLength: number
  readonly base: number
  readonly payload: Buffer
  readonly control: number
  readonly controlLength: number
  readonly flags: number
}

/** Follows the pointers of the mmsghdr at `address`. */
export function nativeMessage(address: number): NativeMessage {
  const { msghdr, iovec } = structs()
  const header = nativeView(address, msghdr.bytes)
  const size = (view: DataView, at: number) => Number(view.getBigUint64(at, true))
  const vector = nativeView(size(header, msghdr.iov), iovec.bytes)
  const nameAddress = size(header, msghdr.name)
  const nameLength = header.getUint32(msghdr.nameLength, true)
  const base = size(vector, iovec.base)
  return {
    name: nameLength === 0 ? undefined : nativeBytes(nameAddress, nameLength),
    nameAddress,
    iovLength: size(header, msghdr.iovLength),
    base,
    // Read only on demand: without a message in the slot, the length is that of an earlier one, maybe longer than the slot.
    get payload() {
      return nativeBytes(base, size(vector, iovec.length))
    },
    control: size(header, msghdr.control),
    controlLength: size(header, msghdr.controlLength),
    flags: header.getInt32(msghdr.flags, true),
  }
}
