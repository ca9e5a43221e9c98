import { koffi } from './koffi.js'

/** Layout of a C structure: byte offsets of its members, and its size. */
export type StructLayout<Member extends string> = { readonly [name in Member | 'bytes']: number }

/** Layouts of this machine's C library, computed by Koffi from the declarations below. */
export interface Structs {
  readonly pointerBytes: number
  readonly iovec: StructLayout<'base' | 'length'>
  readonly msghdr: StructLayout<'name' | 'nameLength' | 'iov' | 'iovLength' | 'control' | 'controlLength' | 'flags'>
  readonly mmsghdr: StructLayout<'header' | 'length'>
  readonly cmsghdr: StructLayout<'length' | 'level' | 'type'>
  readonly sockaddrIn: StructLayout<'family' | 'port' | 'address'>
  readonly sockaddrIn6: StructLayout<'family' | 'port' | 'flowInfo' | 'address' | 'scopeId'>
  readonly inPktinfo: StructLayout<'interfaceIndex' | 'specDst' | 'address'>
  readonly in6Pktinfo: StructLayout<'address' | 'interfaceIndex'>
  readonly timespec: StructLayout<'seconds' | 'nanoseconds'>
  readonly sockTxtime: StructLayout<'clock' | 'flags'>
  readonly sockFilter: StructLayout<'code' | 'k'>
  readonly sockFprog: StructLayout<'length' | 'filter'>
  readonly sockExtendedErr: StructLayout<'errno' | 'origin' | 'type' | 'code' | 'info' | 'data'>
  readonly ipMreqn: StructLayout<'interfaceIndex'>
  readonly groupSourceReq: StructLayout<'interfaceIndex' | 'group' | 'source'>
  readonly groupReq: StructLayout<'interfaceIndex' | 'group'>
  readonly pollfd: StructLayout<'fd' | 'events' | 'revents'>
  readonly epollEvent: StructLayout<'events' | 'data'>
}

/**
 * Returns the structure layouts of this architecture.
 *
 * On 64-bit machines musl pads `msg_iovlen` and `msg_controllen` to the eight bytes that glibc uses, so both share a layout.
 */
export function structs(): Structs {
  layouts ??= describe()
  return layouts
}

function describe(): Structs {
  const { array, offsetof, pack, sizeof, struct } = koffi()

  const layoutOf = <Member extends string>(
    type: ReturnType<typeof struct>,
    names: Record<Member, string>,
  ): StructLayout<Member> => {
    const entries = Object.entries<string>(names).map(([member, field]) => [member, offsetof(type, field)])
    return Object.fromEntries([...entries, ['bytes', sizeof(type)]]) as StructLayout<Member>
  }

  const iovec = struct({ iov_base: 'uintptr_t', iov_len: 'size_t' })
  const msghdr = struct({
    msg_name: 'uintptr_t',
    msg_namelen: 'uint32_t',
    msg_iov: 'uintptr_t',
    msg_iovlen: 'size_t',
    msg_control: 'uintptr_t',
    msg_controllen: 'size_t',
    msg_flags: 'int',
  })
  const mmsghdr = struct({ msg_hdr: msghdr, msg_len: 'unsigned int' })
  const cmsghdr = struct({ cmsg_len: 'size_t', cmsg_level: 'int', cmsg_type: 'int' })
  const sockaddrIn = struct({
    sin_family: 'uint16_t',
    sin_port: 'uint16_t',
    sin_addr: 'uint32_t',
    sin_zero: array('uint8_t', 8),
  })
  const sockaddrIn6 = struct({
    sin6_family: 'uint16_t',
    sin6_port: 'uint16_t',
    sin6_flowinfo: 'uint32_t',
    sin6_addr: array('uint8_t', 16),
    sin6_scope_id: 'uint32_t',
  })
  const sockaddrStorage = struct({ family: 'uint16_t', data: array('uint8_t', 118), alignment: 'unsigned long' })
  const inPktinfo = struct({ ipi_ifindex: 'int', ipi_spec_dst: 'uint32_t', ipi_addr: 'uint32_t' })
  const in6Pktinfo = struct({ ipi6_addr: array('uint8_t', 16), ipi6_ifindex: 'unsigned int' })
  const timespec = struct({ tv_sec: 'long', tv_nsec: 'long' })
  const sockTxtime = struct({ clockid: 'int', flags: 'uint32_t' })
  const sockFilter = struct({ code: 'uint16_t', jt: 'uint8_t', jf: 'uint8_t', k: 'uint32_t' })
  const sockFprog = struct({ len: 'unsigned short', filter: 'uintptr_t' })
  const sockExtendedErr = struct({
    ee_errno: 'uint32_t',
    ee_origin: 'uint8_t',
    ee_type: 'uint8_t',
    ee_code: 'uint8_t',
    ee_pad: 'uint8_t',
    ee_info: 'uint32_t',
    ee_data: 'uint32_t',
  })
  const ipMreqn = struct({ imr_multiaddr: 'uint32_t', imr_address: 'uint32_t', imr_ifindex: 'int' })
  const groupReq = struct({ gr_interface: 'uint32_t', gr_group: sockaddrStorage })
  const groupSourceReq = struct({
    gsr_interface: 'uint32_t',
    gsr_group: sockaddrStorage,
    gsr_source: sockaddrStorage,
  })
  const pollfd = struct({ fd: 'int', events: 'short', revents: 'short' })
  // epoll_event is packed only on x86-64, to match the layout of 32-bit programs (linux/eventpoll.h).
  const epollEvent = (process.arch === 'x64' ? pack : struct)({ events: 'uint32_t', data: 'uint64_t' })

  return {
    pointerBytes: sizeof('uintptr_t'),
    iovec: layoutOf(iovec, { base: 'iov_base', length: 'iov_len' }),
    msghdr: layoutOf(msghdr, {
      name: 'msg_name',
      nameLength: 'msg_namelen',
      iov: 'msg_iov',
      iovLength: 'msg_iovlen',
      control: 'msg_control',
      controlLength: 'msg_controllen',
      flags: 'msg_flags',
    }),
    mmsghdr: layoutOf(mmsghdr, { header: 'msg_hdr', length: 'msg_len' }),
    cmsghdr: layoutOf(cmsghdr, { length: 'cmsg_len', level: 'cmsg_level', type: 'cmsg_type' }),
    sockaddrIn: layoutOf(sockaddrIn, { family: 'sin_family', port: 'sin_port', address: 'sin_addr' }),
    sockaddrIn6: layoutOf(sockaddrIn6, {
      family: 'sin6_family',
      port: 'sin6_port',
      flowInfo: 'sin6_flowinfo',
      address: 'sin6_addr',
      scopeId: 'sin6_scope_id',
    }),
    inPktinfo: layoutOf(inPktinfo, { interfaceIndex: 'ipi_ifindex', specDst: 'ipi_spec_dst', address: 'ipi_addr' }),
    in6Pktinfo: layoutOf(in6Pktinfo, { address: 'ipi6_addr', interfaceIndex: 'ipi6_ifindex' }),
    timespec: layoutOf(timespec, { seconds: 'tv_sec', nanoseconds: 'tv_nsec' }),
    sockTxtime: layoutOf(sockTxtime, { clock: 'clockid', flags: 'flags' }),
    sockFilter: layoutOf(sockFilter, { code: 'code', k: 'k' }),
    sockFprog: layoutOf(sockFprog, { length: 'len', filter: 'filter' }),
    sockExtendedErr: layoutOf(sockExtendedErr, {
      errno: 'ee_errno',
      origin: 'ee_origin',
      type: 'ee_type',
      code: 'ee_code',
      info: 'ee_info',
      data: 'ee_data',
    }),
    ipMreqn: layoutOf(ipMreqn, { interfaceIndex: 'imr_ifindex' }),
    groupReq: layoutOf(groupReq, { interfaceIndex: 'gr_interface', group: 'gr_group' }),
    groupSourceReq: layoutOf(groupSourceReq, {
      interfaceIndex: 'gsr_interface',
      group: 'gsr_group',
      source: 'gsr_source',
    }),
    pollfd: layoutOf(pollfd, { fd: 'fd', events: 'events', revents: 'revents' }),
    epollEvent: layoutOf(epollEvent, { events: 'events', data: 'data' }),
  }
}

let layouts: Structs | undefined
