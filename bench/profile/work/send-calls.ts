import {
  type BatchConn,
  BatchedCalls,
  DestinationKind,
  type Endpoint,
  type Libc,
  libc,
  messagesOf,
  SegmentationOffload,
  type SendBatch,
  transmit,
} from '../library.js'
import { crossings } from './crossings.js'
import type { SendCall } from './work.js'

/** Hands over a filled batch, down to the depth the case is about; gives how many messages were taken. */
export type HandOver = (batch: SendBatch) => number

/**
 * What stands in for the system call, and the library's own path to it.
 *
 * @param name - the function the case is named for: `sendmmsg` is used even for a single message then
 */
export function handOver(call: SendCall, name: 'sendmsg' | 'sendmmsg', conn: BatchConn, to?: Endpoint): HandOver {
  if (call === 'none') return (batch) => batch.length
  if (call === 'library') return (batch) => conn.send(batch)
  const { sendmsg, sendmmsg } = systemCall(call)
  const single: Libc['sendmsg'] = name === 'sendmsg' ? sendmsg : (fd, message, flags) => sendmmsg(fd, message, 1, flags)
  const standIn: Libc = { ...libc(), sendmsg: single, sendmmsg }
  const sending = {
    calls: new BatchedCalls(standIn, conn.fd),
    supported: to === undefined ? DestinationKind.connected : to.kind,
    offload: new SegmentationOffload(conn.fd, true),
    isOwnError: () => false,
  }
  return (batch) => {
    const messages = messagesOf(batch)
    if (messages === undefined) throw new TypeError('not a SendBatch')
    return transmit(sending, messages)
  }
}

type SystemCall = Pick<Libc, 'sendmsg' | 'sendmmsg'>

function systemCall(call: Exclude<SendCall, 'none' | 'library'>): SystemCall {
  const real = libc()
  switch (call) {
    case 'pretend':
      return { sendmsg: () => 0, sendmmsg: (_fd, _messages, count) => count }
    case 'crossing': {
      const { fourIntegers, threeIntegers } = crossings()
      return {
        sendmsg: (fd, message, flags) => {
          threeIntegers(fd, message, flags)
          return 0
        },
        sendmmsg: (fd, messages, count, flags) => {
          fourIntegers(fd, messages, count, flags)
          return count
        },
      }
    }
    case 'entry':
      return {
        // There is no sendmsg for no message: its sister goes the same way in and out.
        sendmsg: (fd, message, flags) => real.sendmmsg(fd, message, 0, flags),
        sendmmsg: (fd, messages, count, flags) => {
          real.sendmmsg(fd, messages, 0, flags)
          return count
        },
      }
    case 'closed':
      return {
        sendmsg: (_fd, message, flags) => real.sendmsg(-1, message, flags) + 1,
        sendmmsg: (_fd, messages, count, flags) => {
          real.sendmmsg(-1, messages, count, flags)
          return count
        },
      }
    case 'probe':
      return {
        sendmsg: (fd, message, flags) => real.sendmsg(fd, message, flags | PROBE_FLAGS),
        sendmmsg: (fd, messages, count, flags) => real.sendmmsg(fd, messages, count, flags | PROBE_FLAGS),
      }
    case 'kernel':
      return { sendmsg: real.sendmsg, sendmmsg: real.sendmmsg }
  }
}

const MSG_PROBE = 0x10
const MSG_CONFIRM = 0x800
/** A message of no bytes then goes as far as the route and no further (udp_sendmsg, net/ipv4/udp.c). */
const PROBE_FLAGS = MSG_PROBE | MSG_CONFIRM
