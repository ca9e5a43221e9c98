import type { ReceiveSide } from '../batch/recv-batch.js'
import type { RecvSlots } from '../batch/recv-slots.js'
import { EAGAIN, EINTR } from '../libc/constants.js'
import { ErrnoError } from '../libc/errno-error.js'
import type { BatchedCalls } from './batched-calls.js'
import { publishReceive, receiveChannel } from './diagnostics.js'
import type { DropCounter } from './drop-counter.js'
import type { ErrorQueue } from './error-queue.js'

/** The parts of a socket that receiving uses. */
export interface Receiving {
  readonly calls: BatchedCalls
  readonly drops: DropCounter
  readonly errors: ErrorQueue
  /** True if UDP_GRO is on, or may have been set by the descriptor's former owner. */
  readonly mayHoldGro: boolean
}

/** Receives as `receive` does, and counts what arrived. */
export function receiveCounted(receiving: Receiving, side: ReceiveSide): number {
  if (!receiveChannel.hasSubscribers) return receiveAndCount(receiving, side)
  return publishReceive(receiving.calls.counters, () => receiveAndCount(receiving, side))
}

function receiveAndCount({ calls, drops, errors, mayHoldGro }: Receiving, side: ReceiveSide): number {
  const count = receive(calls, side.slots, errors)
  if (count > 0) {
    calls.counters.received(side, mayHoldGro)
    drops.note(side)
  }
  side.slots.done()
  return count
}

/**
 * Receives the datagrams that have arrived, with one system call and without waiting. The caller calls `slots.done` once it has
 * recorded them.
 *
 * @returns number of datagrams; 0 if there are none
 * @throws ErrnoError, for example `ECONNREFUSED` if the connected peer's host rejected an earlier datagram.
 *   The kernel keeps an error that follows the first datagram for the next call (recvmmsg(2)).
 */
export function receive(calls: BatchedCalls, slots: RecvSlots, errors?: ErrorQueue): number {
  const isInterrupted = slots.isReceiving
  slots.prepare()
  if (isInterrupted) throw interrupted(slots)
  for (let drained = 0; ; ) {
    const result = calls.receive(slots)
    if (result >= 0) {
      slots.fill(result)
      return result
    }
    if (result === -EINTR) continue
    slots.done()
    if (result === -EAGAIN) {
      // A non-empty error queue keeps the descriptor ready (EPOLLERR), even if no error is pending.
      if (errors?.isDue) errors.drain()
      return 0
    }
    // An error that is in the queue is reported only there.
    if (errors?.isEnabled && drained < MAX_STORED_ERRORS && errors.drain() !== 'empty') {
      drained += 1
      continue
    }
    throw new ErrnoError(-result, slots.capacity === 1 ? 'recvmsg' : 'recvmmsg')
  }
}

function interrupted(slots: RecvSlots): Error {
  slots.done()
  const message = 'an earlier receive into this batch was interrupted; datagrams that it had received are lost'
  return Object.assign(new Error(message), { code: 'ERR_RECEIVE_INTERRUPTED' })
}

/** Maximum number of errors ignored per call, because they can arrive as fast as they are read. */
const MAX_STORED_ERRORS = 64
