import { check, lastErrno } from '../libc/check.js'
import { EBADF, F_DUPFD_CLOEXEC, F_GETFL, F_SETFL, SO_COOKIE, SOCK_NONBLOCK, SOL_SOCKET } from '../libc/constants.js'
import { ErrnoError } from '../libc/errno-error.js'
import { libc } from '../libc/libc.js'
import { isWorkerThread, openPipe, type Pipe } from '../loop/pipe.js'
import { scratch } from '../memory/scratch.js'

/** The end of a socket's descriptor. */
export interface DescriptorOwner {
  /** Closes it. @throws ErrnoError `EBADF` if it was closed elsewhere */
  close(): void
  /** Gives it up without closing it. @returns the descriptor that is open now */
  release(): number
}

/**
 * Takes over a descriptor. In a worker thread a handle of Node's owns it, so that it is closed when the worker ends, also
 * by `terminate()`, which runs no JavaScript: a socket that stays in a reusePort group keeps its share of the datagrams.
 */
export function ownDescriptor(fd: number): DescriptorOwner {
  const cookie = socketCookie(fd)
  const pipe = isWorkerThread ? ownByPipe(fd) : undefined
  return {
    close: () => {
      // Closed elsewhere, the number can be in use again: for a file, another socket, this thread's epoll.
      if (socketCookie(fd) !== cookie) throw new ErrnoError(EBADF, 'close')
      if (pipe === undefined) check(libc().close(fd), 'close')
      else pipe.close()
    },
    release: () => {
      if (pipe === undefined) return fd
      // The handle cannot let go of its descriptor, so a duplicate goes out.
      const duplicate = check(libc().fcntl(fd, F_DUPFD_CLOEXEC, 0), 'fcntl')
      pipe.close()
      return duplicate
    },
  }
}

/** The owner of a descriptor that someone else closes. */
export function borrowDescriptor(fd: number): DescriptorOwner {
  return { close: () => {}, release: () => fd }
}

// An adopted descriptor keeps its mode, which another process may share; opening the handle sets O_NONBLOCK.
function ownByPipe(fd: number): Pipe | undefined {
  const { fcntl } = libc()
  const flags = fcntl(fd, F_GETFL, 0)
  const pipe = openPipe(fd)
  if (flags >= 0 && (flags & SOCK_NONBLOCK) === 0) fcntl(fd, F_SETFL, flags)
  return pipe
}

/** The kernel's number for a socket, never used again (SO_COOKIE, Linux 4.12); otherwise the errno, negative. */
function socketCookie(fd: number): bigint {
  const { slabs, view } = scratch()
  view.setUint32(slabs.length.offset, 8, true)
  const status = libc().getsockopt(fd, SOL_SOCKET, SO_COOKIE, slabs.value.address, slabs.length.address)
  return status < 0 ? -BigInt(lastErrno()) : view.getBigUint64(slabs.value.offset, true)
}
