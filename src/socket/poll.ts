import { lastErrno } from '../libc/check.js'
import { EINTR } from '../libc/constants.js'
import { ErrnoError } from '../libc/errno-error.js'
import { libc } from '../libc/libc.js'
import { scratch } from '../memory/scratch.js'

/**
 * Blocks the thread until the descriptor has one of `events` or an error (poll(2)).
 *
 * @param timeoutMs - maximum time to wait, in milliseconds; Infinity for no limit
 * @returns the events; 0 after the timeout
 */
export function pollBlocking(fd: number, events: number, timeoutMs: number): number {
  const deadline = nowMs() + timeoutMs
  for (;;) {
    const left = Math.max(0, deadline - nowMs())
    // poll in slices: `terminate()` of a worker takes effect only between two system calls.
    const ready = pollOnce(fd, events, Math.ceil(Math.min(left, SLICE_MS)))
    if (ready !== 0) return ready
    if (left <= SLICE_MS && nowMs() >= deadline) return 0
  }
}

function pollOnce(fd: number, events: number, timeoutMs: number): number {
  const { slabs, view } = scratch()
  const { pollfd } = libc().structs
  const { offset, address } = slabs.value
  view.setInt32(offset + pollfd.fd, fd, true)
  view.setInt16(offset + pollfd.events, events, true)
  view.setInt16(offset + pollfd.revents, 0, true)
  const count = libc().poll(address, 1, timeoutMs)
  if (count < 0) {
    const errno = lastErrno()
    if (errno === EINTR) return 0
    throw new ErrnoError(errno, 'poll')
  }
  return count === 0 ? 0 : view.getInt16(offset + pollfd.revents, true)
}

/**
 * Returns the milliseconds of a monotonic clock. Captured at load: under fake timers installed later a blocking call would
 * never end.
 */
export const nowMs = performance.now.bind(performance)

const SLICE_MS = 100
