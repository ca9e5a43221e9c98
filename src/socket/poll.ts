import { lastErrno } from '../libc/check.js'
import { EINTR } from '../libc/constants.js'
import { ErrnoError } from '../libc/errno-error.js'
import { libc } from '../libc/libc.js'
import { scratch } from '../memory/scratch.js'

/**
 * Blocks this thread until the descriptor has one of `events`, or an error to tell (poll(2)).
 *
 * @param timeoutMs - how long at the most; Infinity for ever
 * @returns false if the time ran out first
 */
export function pollBlocking(fd: number, events: number, timeoutMs: number): boolean {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const left = Math.max(0, deadline - performance.now())
    // In slices, so that a worker that waits here can still be terminated: that takes effect between two of them.
    const ready = pollOnce(fd, events, Math.ceil(Math.min(left, SLICE_MS)))
    if (ready) return true
    if (left <= SLICE_MS && performance.now() >= deadline) return false
  }
}

function pollOnce(fd: number, events: number, timeoutMs: number): boolean {
  const { slabs, view } = scratch()
  const { pollfd } = libc().structs
  const { offset, address } = slabs.value
  view.setInt32(offset + pollfd.fd, fd, true)
  view.setInt16(offset + pollfd.events, events, true)
  view.setInt16(offset + pollfd.revents, 0, true)
  const count = libc().poll(address, 1, timeoutMs)
  if (count < 0) {
    const errno = lastErrno()
    if (errno === EINTR) return false
    throw new ErrnoError(errno, 'poll')
  }
  return count > 0
}

const SLICE_MS = 100
