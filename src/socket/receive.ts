import type { RecvBatch } from '../batch/recv-batch.js'
import { lastErrno } from '../libc/check.js'
import { EAGAIN, EINTR, MSG_DONTWAIT } from '../libc/constants.js'
import { ErrnoError } from '../libc/errno-error.js'
import type { Libc } from '../libc/libc.js'
import type { ErrorQueue } from './error-queue.js'

/**
 * Takes what has arrived, one system call's worth, without waiting.
 *
 * @param errors - the socket's error queue, if it has one
 * @returns how many datagrams; 0 if there are none
 * @throws ErrnoError, for example `ECONNREFUSED` when the connected peer's host answered an earlier datagram so.
 *   An error met after the first datagram is kept by the kernel for the next call (recvmmsg(2)).
 */
export function receive(libc: Libc, fd: number, batch: RecvBatch, errors?: ErrorQueue): number {
  batch.prepare()
  for (;;) {
    const count = batch.capacity === 1 ? receiveOne(libc, fd, batch) : receiveMany(libc, fd, batch)
    if (count >= 0) {
      batch.fill(count)
      return count
    }
    const errno = lastErrno()
    if (errno === EINTR) continue
    if (errno === EAGAIN) return 0
    // What the queue explains is told by it alone.
    if (errors?.drain()) continue
    throw new ErrnoError(errno, batch.capacity === 1 ? 'recvmsg' : 'recvmmsg')
  }
}

// No timeout: the kernel looks at it only after each datagram (recvmmsg(2), BUGS).
function receiveMany(libc: Libc, fd: number, batch: RecvBatch): number {
  return libc.recvmmsg(fd, batch.slots.headersAddress, batch.capacity, MSG_DONTWAIT, 0)
}

// recvmmsg costs more than recvmsg for a single datagram.
function receiveOne(libc: Libc, fd: number, batch: RecvBatch): number {
  const byteLength = libc.recvmsg(fd, batch.slots.headersAddress, MSG_DONTWAIT)
  if (byteLength < 0) return -1
  batch.slots.writeLength(0, byteLength)
  return 1
}
