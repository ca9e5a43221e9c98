import { typeError } from '../arguments/errors.js'
import type { Messages } from '../batch/messages.js'
import type { SendPlan } from '../batch/send-plan.js'
import type { SendPlanner } from '../batch/send-planner.js'
import { DestinationKind, type Endpoint } from '../endpoint/endpoint.js'
import { EAGAIN, ECONNREFUSED, EINTR, ENOBUFS } from '../libc/constants.js'
import { ErrnoError } from '../libc/errno-error.js'
import type { BatchedCalls } from './batched-calls.js'
import { publishSend, sendChannel } from './diagnostics.js'
import type { SegmentationOffload } from './segmentation-offload.js'
import { COPY_NEXT, type ZeroCopy } from './zero-copy.js'

/** The parts of a socket that sending uses. */
export interface Sending {
  readonly calls: BatchedCalls
  readonly offload: SegmentationOffload
  readonly zeroCopy?: ZeroCopy | undefined
  /** Kinds of destination that the socket supports, as `DestinationKind` bits. */
  readonly supported: number
  /**
   * Called after an error that may belong to an earlier datagram, before the message is retried.
   *
   * @returns true if the error belongs to the message itself
   */
  isOwnError(errno: number): boolean
}

/**
 * Throws if an earlier send of the messages was interrupted: another one could send some of them twice.
 *
 * @throws Error `ERR_SEND_INTERRUPTED`
 */
export function assertNotInterrupted({ isSending }: Messages): void {
  if (!isSending) return
  const reason = 'an earlier send of this batch was interrupted; it is not known how many messages were sent'
  throw Object.assign(new Error(`${reason}: clear() or rewind()`), { code: 'ERR_SEND_INTERRUPTED' })
}

/**
 * Sends the batch's unsent messages, from `sent` on, and advances `sent`.
 *
 * A short count ends it, once a message was sent: sendmmsg(2) reports the error only to the next call, which starts at the
 * failed message. A GSO send that is rejected is retried as single datagrams, from the first unsent segment.
 *
 * @param maxCalls - maximum number of system calls that accept whole messages
 * @returns number of accepted messages; 0 if the socket would block
 * @throws ErrnoError, or TypeError for a destination or memory that cannot be sent, with the `index` of the first unsent
 *   message if that one failed
 */
export function transmit(sending: Sending, messages: Messages, maxCalls = Number.POSITIVE_INFINITY): number {
  if (sendChannel.hasSubscribers) return transmitPublished(sending, messages, maxCalls)
  return transmitCounted(sending, messages, maxCalls)
}

// A function of its own, because a closure in `transmit` would allocate a scope for every send.
function transmitPublished(sending: Sending, messages: Messages, maxCalls: number): number {
  return publishSend(sending.calls.counters, () => transmitCounted(sending, messages, maxCalls))
}

function transmitCounted(sending: Sending, messages: Messages, maxCalls: number): number {
  const { counters } = sending.calls
  counters.beginSend()
  try {
    return transmitMessages(sending, messages, maxCalls)
  } catch (error) {
    counters.sendThrew(error)
    throw error
  }
}

function transmitMessages(sending: Sending, messages: Messages, maxCalls: number): number {
  const { planner } = messages
  const { offload, zeroCopy } = sending
  const start = messages.sent
  const end = sendableEnd(messages, sending.supported)
  for (let calls = 0; messages.sent < end && calls < maxCalls; ) {
    const plan = zeroCopy === undefined ? planner.plan(end, offload) : zeroCopy.plan(messages, end, offload)
    const result = zeroCopy?.isPlanned ? zeroCopy.send(plan, messages) : call(sending, plan, messages)
    if (result === COPY_NEXT) continue
    if (result > 0) {
      if (plan.segmentBytes > 0) offload.noteAccepted()
      const { sent } = messages
      const { segments } = planner
      const progress = planner.accept(plan, result)
      messages.isSending = false
      if (messages.sent > sent) calls += 1
      sending.calls.counters.sent(messages, progress, result, sent, segments)
      if (planner.rejected !== undefined) settleRejection(planner, offload)
    }
    if (result === plan.count) continue
    if (result < 0 && plan.segmentBytes > 0 && offload.isSuspicious(-result)) {
      planner.avoidGso(plan, -result, offload)
      continue
    }
    // A part of a GSO message was accepted: 0 would mean that the socket would block.
    if (result > 0 && messages.sent === start) continue
    // After the first message, leave the error to the next call, where it belongs to that call's first message.
    if (result > 0 || messages.sent > start || result === WOULD_BLOCK || result === -EAGAIN) break
    throw failure(messages, -result, plan.count)
  }
  return messages.sent - start
}

// The rejection counts only for the socket that got it, not for another one that sends the batch later.
function settleRejection(planner: SendPlanner, offload: SegmentationOffload): void {
  const { rejected } = planner
  if (rejected?.offload === offload) offload.confirm(rejected)
  planner.rejected = undefined
}

/**
 * Returns the position of the first message that cannot be sent, or the batch's length.
 *
 * @throws if that is the next message
 */
function sendableEnd(messages: Messages, supported: number): number {
  const detached = messages.firstDetached()
  if (detached === messages.sent && detached < messages.length) throw detachedMessage(messages.next)
  // Check the whole batch first: most batches have one kind of destination.
  if ((messages.destinationKinds & ~supported) === 0) return detached
  for (let position = messages.sent; position < detached; position += 1) {
    const destination = messages.destination(messages.order.slotAt(position))
    const kind = destination?.kind ?? DestinationKind.connected
    if ((kind & supported) !== 0) continue
    if (position === messages.sent) throw unsupported(messages.next, destination)
    return position
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

/** Makes one system call. @returns number of accepted headers, `WOULD_BLOCK`, or a negative errno */
function call({ calls, isOwnError }: Sending, { address, count }: SendPlan, messages: Messages): number {
  let attempts: Map<number, number> | undefined
  for (;;) {
    messages.isSending = true
    const result = calls.send(address, count)
    if (result > 0) return result
    messages.isSending = false
    if (result === 0) return result
    const errno = -result
    if (errno === EINTR) continue
    if (errno === EAGAIN || errno === ENOBUFS) return WOULD_BLOCK
    // An ICMP error about an earlier datagram fails the next send, whose message stays unsent (udp(7)). ECONNREFUSED never
    // belongs to the message itself; any other error does if it repeats.
    attempts ??= new Map()
    const attempt = (attempts.get(errno) ?? 0) + 1
    attempts.set(errno, attempt)
    if (isOwnError(errno) || attempt >= (errno === ECONNREFUSED ? STORED_ERROR_ATTEMPTS : 2)) return result
  }
}

function detachedMessage(index: number): Error {
  const message = `the memory of message ${index} was transferred`
  return Object.assign(typeError('ERR_MEMORY_DETACHED', message), { index })
}

function failure(messages: Messages, errno: number, count: number): Error {
  const index = messages.next
  if (errno === 0) {
    const error = new Error(`the kernel accepted none of ${count} messages and returned no error`)
    return Object.assign(error, { code: 'ERR_NO_PROGRESS', index })
  }
  const destination = messages.destination(index)
  const details = { address: destination?.address, port: destination?.port, index }
  return new ErrnoError(errno, count === 1 ? 'sendmsg' : 'sendmmsg', details)
}

const STORED_ERROR_ATTEMPTS = 16
const WOULD_BLOCK = -(2 ** 31)
