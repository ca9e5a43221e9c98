import type { Family } from '../endpoint/endpoint.js'
import { check, lastErrno } from '../libc/check.js'
import * as c from '../libc/constants.js'
import { ErrnoError } from '../libc/errno-error.js'
import { libc } from '../libc/libc.js'
import { newPipe, type Pipe } from '../loop/pipe.js'
import { scratch } from '../memory/scratch.js'
import type { Counters } from './counters.js'

/** Descriptor from which a socket is created. */
export interface SocketDescriptor {
  readonly fd: number
  readonly family: Family
  /** True if no former owner can have set options. Default: false. */
  readonly isNew?: boolean
  /** Counters to continue; default: new ones. */
  readonly counters?: Counters
  /** Takes ownership. Called last, after all options are set; until then the caller owns the descriptor. */
  own(fd: number): OwnedDescriptor
}

/** Descriptor of a socket, with the functions that close and release it. */
export interface OwnedDescriptor {
  readonly fd: number
  /** Closes the descriptor. @throws ErrnoError `EBADF` if it was closed elsewhere */
  close(): void
  /** Releases the descriptor without closing it. @returns the descriptor that is still open */
  release(): number
}

// In a worker thread a Node handle owns each descriptor. It is closed when the worker ends, also by `terminate()`, which
// runs no JavaScript. A socket left open in a reusePort group would keep receiving its share of the datagrams.

/** Opens a UDP socket, non-blocking and closed on exec (socket(2)). */
export function openDescriptor(family: Family): OwnedDescriptor {
  const domain = family === 'ipv4' ? c.AF_INET : c.AF_INET6
  const type = c.SOCK_DGRAM | c.SOCK_NONBLOCK | c.SOCK_CLOEXEC
  const pipe = newPipe()
  const { socket } = libc()
  if (pipe?.open(socket(domain, type, c.IPPROTO_UDP)) === 0) return owned(pipe.fd, pipe)
  pipe?.close()
  return owned(check(socket(domain, type, c.IPPROTO_UDP), 'socket'), undefined)
}

/** Takes ownership of a descriptor. Does not change its blocking mode, which another process may share. */
export function adoptDescriptor(fd: number): OwnedDescriptor {
  const pipe = newPipe()
  if (pipe === undefined) return owned(fd, undefined)
  const { fcntl } = libc()
  const flags = fcntl(fd, c.F_GETFL, 0)
  const status = pipe.open(fd)
  // The handle has set O_NONBLOCK: restore the flags.
  if (flags >= 0 && (flags & c.SOCK_NONBLOCK) === 0) fcntl(fd, c.F_SETFL, flags)
  if (status === 0) return owned(fd, pipe)
  pipe.close()
  return owned(fd, undefined)
}

/** Wraps a descriptor that the caller closes. */
export function borrowDescriptor(fd: number): OwnedDescriptor {
  return { fd, close: () => {}, release: () => fd }
}

function owned(fd: number, pipe: Pipe | undefined): OwnedDescriptor {
  const cookie = socketCookie(fd)
  return {
    fd,
    close: () => {
      // If it was closed elsewhere, its number may be reused: for a file, another socket, this thread's epoll.
      if (socketCookie(fd) !== cookie) throw new ErrnoError(c.EBADF, 'close')
      pipe?.close()
      // libuv never closes the standard streams' descriptors (`uv__stream_close`).
      if (pipe === undefined || fd <= STDERR) check(libc().close(fd), 'close')
    },
    release: () => {
      if (pipe === undefined) return fd
      // The handle cannot release its descriptor: return a duplicate.
      const duplicate = check(libc().fcntl(fd, c.F_DUPFD_CLOEXEC, 0), 'fcntl')
      pipe.close()
      return duplicate
    },
  }
}

/** Returns true for an error which shows that a descriptor was closed elsewhere. */
export function isLostDescriptor(error: unknown): boolean {
  return error instanceof ErrnoError && (error.code === 'EBADF' || error.code === 'ENOTSOCK')
}

/** Returns the kernel's unique number of a socket (SO_COOKIE, Linux 4.12), or the negative errno. */
function socketCookie(fd: number): bigint {
  const { slabs, view } = scratch()
  view.setUint32(slabs.length.offset, 8, true)
  const status = libc().getsockopt(fd, c.SOL_SOCKET, c.SO_COOKIE, slabs.value.address, slabs.length.address)
  return status < 0 ? -BigInt(lastErrno()) : view.getBigUint64(slabs.value.offset, true)
}

const STDERR = 2
