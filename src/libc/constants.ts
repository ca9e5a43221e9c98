/**
 * Constants of Linux's socket headers (asm-generic), which are the same on all architectures that Koffi supports.
 * `scripts/check-headers.ts` compares them, and the structure layouts, with the C headers.
 */

export const AF_UNSPEC = 0
export const AF_UNIX = 1
export const AF_INET = 2
export const AF_INET6 = 10

export const SOCK_STREAM = 1
export const SOCK_DGRAM = 2
export const SOCK_NONBLOCK = 0o4000
export const SOCK_CLOEXEC = 0o2000000

export const MSG_CTRUNC = 0x8
export const MSG_TRUNC = 0x20
export const MSG_DONTWAIT = 0x40
export const MSG_ERRQUEUE = 0x2000
export const MSG_NOSIGNAL = 0x4000
export const MSG_ZEROCOPY = 0x4000000

export const SOL_SOCKET = 1
export const SO_REUSEADDR = 2
export const SO_TYPE = 3
export const SO_ERROR = 4
export const SO_BROADCAST = 6
export const SO_SNDBUF = 7
export const SO_RCVBUF = 8
export const SO_PRIORITY = 12
export const SO_REUSEPORT = 15
export const SO_BINDTODEVICE = 25
export const SO_SNDBUFFORCE = 32
export const SO_RCVBUFFORCE = 33
export const SO_TIMESTAMPNS = 35
export const SO_MARK = 36
export const SO_PROTOCOL = 38
export const SO_DOMAIN = 39
export const SO_RXQ_OVFL = 40
export const SO_BUSY_POLL = 46
export const SO_MAX_PACING_RATE = 47
export const SO_INCOMING_CPU = 49
export const SO_ATTACH_REUSEPORT_CBPF = 51
export const SO_MEMINFO = 55
export const SO_COOKIE = 57
export const SO_ZEROCOPY = 60
export const SO_TXTIME = 61
export const SK_MEMINFO_DROPS = 8

export const IPPROTO_IP = 0
export const IP_TOS = 1
export const IP_TTL = 2
export const IP_PKTINFO = 8
export const IP_MTU_DISCOVER = 10
export const IP_RECVERR = 11
export const IP_RECVTTL = 12
export const IP_RECVTOS = 13
export const IP_MTU = 14
export const IP_FREEBIND = 15
export const IP_TRANSPARENT = 19
export const IP_MULTICAST_IF = 32
export const IP_MULTICAST_TTL = 33
export const IP_MULTICAST_LOOP = 34
export const IP_MULTICAST_ALL = 49

export const MCAST_JOIN_GROUP = 42
export const MCAST_LEAVE_GROUP = 45
export const MCAST_JOIN_SOURCE_GROUP = 46
export const MCAST_LEAVE_SOURCE_GROUP = 47

export const IPPROTO_UDP = 17
export const UDP_SEGMENT = 103
export const UDP_GRO = 104

export const IPPROTO_IPV6 = 41
export const IPV6_UNICAST_HOPS = 16
export const IPV6_MULTICAST_IF = 17
export const IPV6_MULTICAST_HOPS = 18
export const IPV6_MULTICAST_LOOP = 19
export const IPV6_MULTICAST_ALL = 29
export const IPV6_MTU_DISCOVER = 23
export const IPV6_MTU = 24
export const IPV6_RECVERR = 25
export const IPV6_V6ONLY = 26
export const IPV6_RECVPKTINFO = 49
export const IPV6_PKTINFO = 50
export const IPV6_RECVHOPLIMIT = 51
export const IPV6_HOPLIMIT = 52
export const IPV6_RECVTCLASS = 66
export const IPV6_TCLASS = 67
export const IPV6_TRANSPARENT = 75
export const IPV6_FREEBIND = 78

export const SO_EE_ORIGIN_LOCAL = 1
export const SO_EE_ORIGIN_ICMP = 2
export const SO_EE_ORIGIN_ICMP6 = 3
export const SO_EE_ORIGIN_ZEROCOPY = 5
export const SO_EE_CODE_ZEROCOPY_COPIED = 1

export const CLOCK_MONOTONIC = 1
export const CLOCK_TAI = 11

export const POLLIN = 0x1
export const POLLOUT = 0x4
export const POLLERR = 0x8
export const POLLHUP = 0x10
export const POLLRDHUP = 0x2000

export const EPOLL_CLOEXEC = 0o2000000
export const EPOLL_CTL_ADD = 1
export const EPOLL_CTL_DEL = 2
export const EPOLL_CTL_MOD = 3
export const EPOLLIN = 0x1
export const EPOLLOUT = 0x4
export const EPOLLERR = 0x8
export const EPOLLHUP = 0x10
export const EPOLLRDHUP = 0x2000

export const F_GETFL = 3
export const F_SETFL = 4
export const F_DUPFD_CLOEXEC = 1030

export const EPERM = 1
export const ENOENT = 2
export const EINTR = 4
export const EIO = 5
export const EBADF = 9
export const EAGAIN = 11
export const EEXIST = 17
export const ENODEV = 19
export const EINVAL = 22
export const ENOSYS = 38
export const EMSGSIZE = 90
export const ENOPROTOOPT = 92
export const ENOBUFS = 105
export const ENOTCONN = 107
export const ESHUTDOWN = 108
export const ECANCELED = 125
export const ECONNREFUSED = 111

/** Maximum number of messages per `sendmmsg`, which silently ignores the rest (UIO_MAXIOV, net/socket.c). */
export const MAX_MESSAGES_PER_CALL = 1024

/** Size of any socket address in bytes (struct sockaddr_storage). */
export const SOCKADDR_STORAGE_BYTES = 128
