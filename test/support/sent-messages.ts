import { IPPROTO_UDP, UDP_SEGMENT } from '../../src/libc/constants.js'
import { koffi } from '../../src/libc/koffi.js'
import { structs } from '../../src/libc/structs.js'

/** One message as the kernel reads it from an mmsghdr. */
export interface SentMessage {
  readonly payload: string
  /** Value of UDP_SEGMENT; 0 if there is no such control message. */
  readonly segmentBytes: number
  /** Datagrams that it would put on the wire. */
  readonly datagrams: readonly string[]
}

/** Reads `count` mmsghdrs from native memory, through Koffi and not through the code under test. */
export function readMessages(address: number, count: number): SentMessage[] {
  const { mmsghdr } = structs()
  return Array.from({ length: count }, (_, index) => readMessage(address + index * mmsghdr.bytes))
}

function readMessage(address: number): SentMessage {
  const { msghdr, iovec, cmsghdr } = structs()
  const header = memory(address, msghdr.bytes)
  const pointer = (view: DataView, at: number) => Number(view.getBigUint64(at, true))
  const iovs = memory(pointer(header, msghdr.iov), pointer(header, msghdr.iovLength) * iovec.bytes)
  let payload = ''
  for (let at = 0; at < iovs.byteLength; at += iovec.bytes) {
    const length = pointer(iovs, at + iovec.length)
    if (length > 0) payload += Buffer.from(koffi().view(pointer(iovs, at + iovec.base), length)).toString('latin1')
  }
  let segmentBytes = 0
  const controlLength = pointer(header, msghdr.controlLength)
  if (controlLength > 0) {
    const control = memory(pointer(header, msghdr.control), controlLength)
    const isSegment =
      control.getInt32(cmsghdr.level, true) === IPPROTO_UDP && control.getInt32(cmsghdr.type, true) === UDP_SEGMENT
    if (isSegment) segmentBytes = control.getUint16(cmsghdr.bytes, true)
  }
  const step = segmentBytes || Math.max(payload.length, 1)
  const datagrams = Array.from({ length: Math.max(1, Math.ceil(payload.length / step)) }, (_, index) =>
    payload.slice(index * step, (index + 1) * step),
  )
  return { payload, segmentBytes, datagrams }
}

function memory(address: number, byteLength: number): DataView {
  return new DataView(koffi().view(address, byteLength))
}
