/**
 * Byte offsets of the structures that sendmmsg(2) and recvmmsg(2) read, on 64-bit Linux (include/linux/socket.h,
 * include/uapi/linux/uio.h). They are defined here again, so that the scripted kernel does not repeat an error of
 * `src`.
 */
export const MMSGHDR = {
  bytes: 64,
  name: 0,
  nameLength: 8,
  iov: 16,
  iovLength: 24,
  control: 32,
  controlLength: 40,
  flags: 48,
  length: 56,
} as const

export const IOVEC = { bytes: 16, base: 0, length: 8 } as const

export const CMSGHDR = { bytes: 16, length: 0, level: 8, type: 12 } as const

/** Control messages begin at multiples of this (CMSG_ALIGN). */
export const CMSG_ALIGNMENT = 8

export const SOCKADDR_IN_BYTES = 16

export const SOCKADDR_IN6_BYTES = 28

/** UDP_MAX_SEGMENTS since Linux 6.9 (include/linux/udp.h). */
export const MAX_SEGMENTS = 128

/** Payload of the largest UDP datagram, and of all segments of a GSO send together. */
export const MAX_PAYLOAD_BYTES = { ipv4: 65_507, ipv6: 65_527 } as const

/** True on machines with these offsets. */
export const isSupportedMachine = !['arm', 'ia32', 'mips', 'mipsel'].includes(process.arch)
