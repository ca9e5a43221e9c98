import { MSG_TRUNC } from '../../src/libc/constants.js'
import { CMSG_ALIGNMENT, CMSGHDR, MMSGHDR } from './abi.js'
import type { ReceiveBuffers } from './armed-headers.js'
import type { RegisteredMemory } from './registered-memory.js'

/** A received control message. */
export interface IncomingControl {
  readonly level: number
  readonly type: number
  readonly data: Uint8Array
  /** `cmsg_len`, if it differs from the correct value. */
  readonly length?: number | undefined
}

/** One datagram as the kernel stores it, with correct or wrong lengths. */
export interface Arrival {
  readonly payload: Uint8Array
  /** `msg_len`; undefined for the number of bytes stored. */
  readonly length?: number | undefined
  /** Added to `msg_flags`. MSG_TRUNC is set anyway if the payload exceeds the slot. */
  readonly flags: number
  readonly name: Uint8Array
  /** `msg_namelen`; undefined for the length of `name`. */
  readonly nameLength?: number | undefined
  readonly control: readonly IncomingControl[]
  /** `msg_controllen`; undefined for the length of `control`. */
  readonly controlLength?: number | undefined
}

/** A datagram that the kernel stored. */
export interface Stored {
  readonly arrival: Arrival
  readonly buffers: ReceiveBuffers
  /** Bytes in the slot that `msg_len` covers, as far as they fit. */
  readonly bytes: Uint8Array
  /** Bytes in the control buffer that `msg_controllen` covers, as far as they fit. */
  readonly control: Uint8Array
  readonly flags: number
  /** `msg_len`, or the return value of recvmsg. */
  readonly length: number
}

/** Stores a datagram as recvmsg(2) does: never beyond the buffers, whatever the lengths are. */
export function store(memory: RegisteredMemory, header: number, buffers: ReceiveBuffers, arrival: Arrival): Stored {
  const { payload, name } = arrival
  const stored = Math.min(payload.byteLength, buffers.payloadBytes)
  const length = arrival.length ?? stored
  const slot = memory.bytes(buffers.payload, buffers.payloadBytes, 'iov_base')
  const bytes = slot.subarray(0, Math.min(length, buffers.payloadBytes))
  bytes.fill(FILLER)
  slot.set(payload.subarray(0, stored))
  memory.bytes(buffers.name, buffers.nameBytes, 'msg_name').set(name.subarray(0, buffers.nameBytes))
  const encoded = encodeControl(arrival.control).subarray(0, buffers.controlBytes)
  const controlLength = arrival.controlLength ?? encoded.byteLength
  const controlBuffer = memory.bytes(buffers.control, buffers.controlBytes, 'msg_control')
  controlBuffer.set(encoded)
  const flags = (arrival.flags | (payload.byteLength > stored ? MSG_TRUNC : 0)) >>> 0
  memory.writeWord(header + MMSGHDR.nameLength, arrival.nameLength ?? name.byteLength, 'msg_namelen')
  memory.writeWord(header + MMSGHDR.controlLength, controlLength, 'msg_controllen')
  memory.writeWord(header + MMSGHDR.flags, flags, 'msg_flags')
  const control = controlBuffer.slice(0, Math.min(controlLength, buffers.controlBytes))
  return { arrival, buffers, bytes: bytes.slice(), control, flags, length }
}

/** Control messages one after the other, each at a multiple of eight (cmsg(3)). */
export function encodeControl(messages: readonly IncomingControl[]): Uint8Array {
  const parts = messages.map(({ level, type, data, length }) => {
    const size = CMSGHDR.bytes + data.byteLength
    const part = Buffer.alloc(Math.ceil(size / CMSG_ALIGNMENT) * CMSG_ALIGNMENT)
    part.writeBigUInt64LE(BigInt(length ?? size), CMSGHDR.length)
    part.writeInt32LE(level, CMSGHDR.level)
    part.writeInt32LE(type, CMSGHDR.type)
    part.set(data, CMSGHDR.bytes)
    return part
  })
  return Buffer.concat(parts)
}

/** Filler for bytes that `msg_len` covers and the datagram does not have. */
const FILLER = 0xee
