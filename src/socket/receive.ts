import type { RecvSlots } from '../batch/recv-slots.js'
import { EAGAIN, EINTR } from '../libc/constants.js'
import { ErrnoError } from '../libc/errno-error.js'
import type { BatchedCalls } from './batched-calls.js'
import type { ErrorQueue } from './error-queue.js'

/**
 * Takes what has arrived, one system call's worth, without waiting.
 *
 * @returns how many datagrams; 0 if there are none
 * @throws ErrnoError, for example `ECONNREFUSED` when the connected peer's host answered an earlier datagram so.
 *   An error met after the first datagram is kept by the kernel for the next call (recvmmsg(2)).
 */
export function receive(calls: BatchedCalls, slots: RecvSlots, errors?: ErrorQueue): number {
  slots.prepare()
  for (let drained = 0; ; ) {
    const result = calls.receive(slots)
    if (result >= 0) {
      slots.fill(result)
      return result
    }
    if (result === -EINTR) continue
    if (result === -EAGAIN) {
      // A queue that is not empty keeps the descriptor ready (EPOLLERR), also when no error is pending.
      if (errors?.isDue) errors.drain()
      return 0
    }
    // An error that the queue explains is reported there alone.
    if (errors?.isEnabled && drained < MAX_STORED_ERRORS && errors.drain() !== 'empty') {
      drained += 1
      continue
    }
    throw new ErrnoError(-result, slots.capacity === 1 ? 'recvmsg' : 'recvmmsg')
  }
}

/** Errors of one call that are passed over: more can come in as fast as they are read. */
const MAX_STORED_ERRORS = 64
