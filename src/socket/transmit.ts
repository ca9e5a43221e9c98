import { typeError } from '../arguments/errors.js'
import type { SendBatch } from '../batch/send-batch.js'
import { DestinationKind, type Endpoint } from '../endpoint/endpoint.js'
import { lastErrno } from '../libc/check.js'
import {
  EAGAIN,
  ECONNREFUSED,
  EINTR,
  ENOBUFS,
  MAX_MESSAGES_PER_CALL,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
} from '../libc/constants.js'
import { ErrnoError } from '../libc/errno-error.js'
import type { Libc } from '../libc/libc.js'

/**
 * Hands the batch's unsent messages to the kernel, from `batch.sent` on, and notes how far it came.
 *
 * A short count ends it: what stopped the kernel is known only by calling again from there (sendmmsg(2)).
 *
 * @param served - the `DestinationKind` bits this socket can serve
 * @returns how many were accepted; 0 if the socket would block
 * @throws ErrnoError, or TypeError for a destination the socket cannot serve, with the `index` of the first unsent
 *   message if that one failed
 */
export function transmit(libc: Libc, fd: number, batch: SendBatch, served: number): number {
  const start = batch.sent
  const end = servedEnd(batch, served)
  while (batch.sent < end) {
    const asked = Math.min(end - batch.sent, MAX_MESSAGES_PER_CALL)
    const result = call(libc, fd, batch.slots.headerAddress(batch.sent), asked)
    if (result > 0) batch.advance(result)
    if (result === asked) continue
    // Whatever stopped it after the first message, the next call meets it again, as its own first message's error.
    if (batch.sent > start || result === WOULD_BLOCK) break
    throw failure(batch, -result, asked)
  }
  return batch.sent - start
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

/** One system call's worth: the count accepted, `WOULD_BLOCK`, or a negative errno. */
function call(libc: Libc, fd: number, headers: number, count: number): number {
  for (let attempt = 0; ; attempt += 1) {
    const result = count === 1 ? sendOne(libc, fd, headers) : libc.sendmmsg(fd, headers, count, SEND_FLAGS)
    if (result >= 0) return result
    const errno = lastErrno()
    if (errno === EINTR) continue
    if (errno === EAGAIN || errno === ENOBUFS) return WOULD_BLOCK
    // An ICMP answer to an earlier datagram is told to the next one that is sent, which stays unsent (udp(7)).
    // ECONNREFUSED is never about the message itself; of the others one repetition tells.
    const attempts = errno === ECONNREFUSED ? STORED_ERROR_ATTEMPTS : 2
    if (attempt + 1 >= attempts) return -errno
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
