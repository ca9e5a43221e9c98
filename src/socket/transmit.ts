import { typeError } from '../arguments/errors.js'
import { detachedMessage, type Messages } from '../batch/messages.js'
import type { SendPlan } from '../batch/send-plan.js'
import type { SendPlanner } from '../batch/send-planner.js'
import { DestinationKind, type Endpoint } from '../endpoint/endpoint.js'
import { EAGAIN, ECONNREFUSED, EINTR, ENOBUFS } from '../libc/constants.js'
import { ErrnoError } from '../libc/errno-error.js'
import type { BatchedCalls } from './batched-calls.js'
import type { SegmentationOffload } from './segmentation-offload.js'

/** The parts of a socket that sending uses. */
export interface Sending {
  readonly calls: BatchedCalls
  readonly offload: SegmentationOffload
  /** Kinds of destination this socket supports, as `DestinationKind` bits. */
  readonly supported: number
  /**
   * Called after an error that may belong to an earlier datagram, before the message is tried again.
   *
   * @returns true if the error is known to be about the message itself
   */
  isOwnError(errno: number): boolean
}

/**
 * Passes the batch's unsent messages to the kernel, from `sent` on, and notes how far it came.
 *
 * A short count ends it: what stopped the kernel is known only by calling again from there (sendmmsg(2)). A GSO send
 * that is rejected is retried as single datagrams, from the first segment that is not out.
 *
 * @param maxCalls - system calls that accept something, at the most
 * @returns how many messages were accepted; 0 if the socket would block
 * @throws ErrnoError, or TypeError for a destination or memory that cannot be sent, with the `index` of the first unsent
 *   message if that one failed
 */
export function transmit(sending: Sending, messages: Messages, maxCalls = Number.POSITIVE_INFINITY): number {
  const { planner } = messages
  const { offload } = sending
  const start = messages.sent
  const end = sendableEnd(messages, sending.supported)
  for (let calls = 0; messages.sent < end && calls < maxCalls; ) {
    const plan = planner.plan(end, offload)
    const result = call(sending, plan)
    if (result > 0) {
      calls += 1
      if (plan.segmentBytes > 0) offload.noteAccepted()
      planner.accept(plan, result)
      if (planner.rejected !== undefined) settleRejection(planner, offload)
    }
    if (result === plan.count) continue
    if (result < 0 && plan.segmentBytes > 0 && offload.isSuspicious(-result)) {
      planner.avoidGso(plan, -result, offload)
      continue
    }
    // Whatever stopped it after the first message, the next call meets it again, as its own first message's error.
    if (result > 0 || messages.sent > start || result === WOULD_BLOCK) break
    throw failure(messages, -result, plan.count)
  }
  return messages.sent - start
}

// The verdict falls on the socket whose GSO send was rejected, and on none that was given the batch since.
function settleRejection(planner: SendPlanner, offload: SegmentationOffload): void {
  const { rejected } = planner
  if (rejected?.offload === offload) offload.confirm(rejected)
  planner.rejected = undefined
}

/** The first unsent message that must not be shown to the kernel, or the batch's length. @throws if it is the next */
function sendableEnd(messages: Messages, supported: number): number {
  const detached = messages.firstDetached()
  if (detached === messages.sent && detached < messages.length) throw detachedMessage(detached)
  // Checked per batch first: most have one kind of destination.
  if ((messages.destinationKinds & ~supported) === 0) return detached
  for (let index = messages.sent; index < detached; index += 1) {
    const destination = messages.destination(index)
    const kind = destination?.kind ?? DestinationKind.connected
    if ((kind & supported) !== 0) continue
    if (index === messages.sent) throw unsupported(index, destination)
    return index
  }
  return detached
}

function unsupported(index: number, destination: Endpoint | undefined): Error {
  const error =
    destination === undefined
      ? typeError('ERR_DESTINATION_MISSING', `message ${index} has no destination and the socket is not connected`)
      : typeError('ERR_ADDRESS_FAMILY', `message ${index} goes to ${destination}; the socket has another family`)
  return Object.assign(error, { index })
}

/** One system call's worth: the number of headers accepted, `WOULD_BLOCK`, or a negative errno. */
function call({ calls, isOwnError }: Sending, { address, count }: SendPlan): number {
  let attempts: Map<number, number> | undefined
  for (;;) {
    const result = calls.send(address, count)
    if (result >= 0) return result
    const errno = -result
    if (errno === EINTR) continue
    if (errno === EAGAIN || errno === ENOBUFS) return WOULD_BLOCK
    // An ICMP answer to an earlier datagram is reported to the next one that is sent, which stays unsent (udp(7)).
    // ECONNREFUSED is never about the message itself; any other error is, if it comes twice.
    attempts ??= new Map()
    const attempt = (attempts.get(errno) ?? 0) + 1
    attempts.set(errno, attempt)
    if (isOwnError(errno) || attempt >= (errno === ECONNREFUSED ? STORED_ERROR_ATTEMPTS : 2)) return result
  }
}

function failure(messages: Messages, errno: number, asked: number): Error {
  const index = messages.sent
  if (errno === 0) {
    const error = new Error(`the kernel accepted none of ${asked} messages and gave no reason`)
    return Object.assign(error, { code: 'ERR_NO_PROGRESS', index })
  }
  const destination = messages.destination(index)
  const details = { address: destination?.address, port: destination?.port, index }
  return new ErrnoError(errno, asked === 1 ? 'sendmsg' : 'sendmmsg', details)
}

const STORED_ERROR_ATTEMPTS = 16
const WOULD_BLOCK = -(2 ** 31)
