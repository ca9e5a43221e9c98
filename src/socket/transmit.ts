import { typeError } from '../arguments/errors.js'
import type { SendBatch } from '../batch/send-batch.js'
import type { SendPlan } from '../batch/send-plan.js'
import type { SendPlanner } from '../batch/send-planner.js'
import { DestinationKind, type Endpoint } from '../endpoint/endpoint.js'
import { lastErrno } from '../libc/check.js'
import { EAGAIN, ECONNREFUSED, EINTR, ENOBUFS, MSG_DONTWAIT, MSG_NOSIGNAL } from '../libc/constants.js'
import { ErrnoError } from '../libc/errno-error.js'
import type { Libc } from '../libc/libc.js'
import type { SegmentationOffload } from './trains.js'

/** What a socket brings to a send. */
export interface Sending {
  readonly fd: number
  /** The `DestinationKind` bits this socket can serve. */
  readonly served: number
  readonly trains: SegmentationOffload
  /** Told of an error that may be a stored one, before it is tried again. */
  onStoredError?(): void
}

/**
 * Hands the batch's unsent messages to the kernel, from `batch.sent` on, and notes how far it came.
 *
 * A short count ends it: what stopped the kernel is known only by calling again from there (sendmmsg(2)). A train that
 * is refused is sent once more as single datagrams, from the first that is not out; if that works, the train was at fault.
 *
 * @returns how many messages were accepted; 0 if the socket would block
 * @throws ErrnoError, or TypeError for a destination the socket cannot serve, with the `index` of the first unsent
 *   message if that one failed
 */
export function transmit(libc: Libc, sending: Sending, batch: SendBatch): number {
  const { planner } = batch
  const { trains } = sending
  const start = batch.sent
  const end = servedEnd(batch, sending.served)
  while (batch.sent < end) {
    const plan = planner.plan(end, trains)
    const result = call(libc, sending, plan)
    if (result > 0) {
      planner.accept(plan, result)
      if (planner.suspicion !== undefined) settleSuspicion(planner, trains)
    }
    if (result === plan.count) continue
    if (result < 0 && plan.trainBytes > 0 && trains.isSuspicious(-result)) {
      planner.avoidTrain(plan, -result)
      continue
    }
    // Whatever stopped it after the first message, the next call meets it again, as its own first message's error.
    if (result > 0 || batch.sent > start || result === WOULD_BLOCK) break
    throw failure(batch, -result, plan.count)
  }
  return batch.sent - start
}

function settleSuspicion(planner: SendPlanner, trains: SegmentationOffload): void {
  if (planner.suspicion !== undefined) trains.confirm(planner.suspicion)
  planner.suspicion = undefined
}

/** Up to where the socket can serve the destinations. Checked a batch at a time: most have one kind only. */
function servedEnd(batch: SendBatch, served: number): number {
  if ((batch.destinationKinds & ~served) === 0) return batch.length
  for (let index = batch.sent; index < batch.length; index += 1) {
    const kind = batch.destination(index)?.kind ?? DestinationKind.connected
    if ((kind & served) !== 0) continue
    if (index === batch.sent) throw unserved(index, batch.destination(index))
    return index
  }
  return batch.length
}

function unserved(index: number, destination: Endpoint | undefined): Error {
  const error =
    destination === undefined
      ? typeError('ERR_DESTINATION_MISSING', `message ${index} has no destination and the socket is not connected`)
      : typeError('ERR_ADDRESS_FAMILY', `message ${index} goes to ${destination}; the socket is of the other family`)
  return Object.assign(error, { index })
}

/** One system call's worth: the number of headers accepted, `WOULD_BLOCK`, or a negative errno. */
function call(libc: Libc, sending: Sending, { address, count }: SendPlan): number {
  const { fd } = sending
  for (let attempt = 0; ; attempt += 1) {
    const result = count === 1 ? sendOne(libc, fd, address) : libc.sendmmsg(fd, address, count, SEND_FLAGS)
    if (result >= 0) return result
    const errno = lastErrno()
    if (errno === EINTR) continue
    if (errno === EAGAIN || errno === ENOBUFS) return WOULD_BLOCK
    // An ICMP answer to an earlier datagram is told to the next one that is sent, which stays unsent (udp(7)).
    // ECONNREFUSED is never about the message itself; of the others one repetition tells.
    const attempts = errno === ECONNREFUSED ? STORED_ERROR_ATTEMPTS : 2
    if (attempt + 1 >= attempts) return -errno
    sending.onStoredError?.()
  }
}

// sendmmsg costs more than sendmsg for a single message.
function sendOne(libc: Libc, fd: number, header: number): number {
  return libc.sendmsg(fd, header, SEND_FLAGS) < 0 ? -1 : 1
}

function failure(batch: SendBatch, errno: number, asked: number): Error {
  const index = batch.sent
  if (errno === 0) {
    const error = new Error(`the kernel accepted none of ${asked} messages and gave no reason`)
    return Object.assign(error, { code: 'ERR_NO_PROGRESS', index })
  }
  const destination = batch.destination(index)
  const details = { address: destination?.address, port: destination?.port, index }
  return new ErrnoError(errno, asked === 1 ? 'sendmsg' : 'sendmmsg', details)
}

const SEND_FLAGS = MSG_DONTWAIT | MSG_NOSIGNAL
const STORED_ERROR_ATTEMPTS = 16
const WOULD_BLOCK = -(2 ** 31)
