import { crossings } from '../../traffic/ffi-crossing.js'
import type { ReceiveDepth, ReceiveFunction, SendDepth, SendFunction } from '../cases/work.js'
import {
  type BatchConn,
  BatchedCalls,
  DestinationKind,
  type Endpoint,
  type Libc,
  libc,
  messagesOf,
  type RecvBatch,
  receive,
  SegmentationOffload,
  type SendBatch,
  transmit,
} from '../library.js'

type Calls = Pick<Libc, 'sendmsg' | 'sendmmsg' | 'recvmsg' | 'recvmmsg'>

/** What takes the place of the system calls at each depth. */
function callsAt(depth: Exclude<SendDepth, 'none' | 'library'>): Calls {
  const real = libc()
  switch (depth) {
    case 'pretend':
      return {
        sendmsg: () => 0,
        sendmmsg: (_fd, _messages, count) => count,
        recvmsg: () => 0,
        recvmmsg: (_fd, _messages, count) => count,
      }
    case 'crossing': {
      const { threeIntegers, fourIntegers, fiveIntegers } = crossings()
      return {
        sendmsg: (fd, message, flags) => {
          threeIntegers(fd, message, flags)
          return 0
        },
        sendmmsg: (fd, messages, count, flags) => {
          fourIntegers(fd, messages, count, flags)
          return count
        },
        recvmsg: (fd, message, flags) => {
          threeIntegers(fd, message, flags)
          return 0
        },
        recvmmsg: (fd, messages, count, flags, timeout) => {
          fiveIntegers(fd, messages, count, flags, timeout)
          return count
        },
      }
    }
    case 'entry':
      // sendmsg and recvmsg always have one message; the batched calls enter and leave the kernel in the same way.
      return {
        sendmsg: (fd, message, flags) => real.sendmmsg(fd, message, 0, flags),
        sendmmsg: (fd, messages, count, flags) => {
          real.sendmmsg(fd, messages, 0, flags)
          return count
        },
        recvmsg: (fd, message, flags) => real.recvmmsg(fd, message, 0, flags, 0),
        recvmmsg: (fd, messages, count, flags, timeout) => {
          real.recvmmsg(fd, messages, 0, flags, timeout)
          return count
        },
      }
    case 'probe':
      return {
        ...real,
        sendmsg: (fd, message, flags) => real.sendmsg(fd, message, flags | PROBE_FLAGS),
        sendmmsg: (fd, messages, count, flags) => real.sendmmsg(fd, messages, count, flags | PROBE_FLAGS),
      }
    case 'kernel':
      return real
  }
}

/**
 * Returns a function that hands a filled batch over, down to a depth, and returns how many messages were accepted.
 *
 * @param name - the function to call: `sendmmsg` even for a single message
 */
export function sendingTo(
  depth: SendDepth,
  name: SendFunction,
  conn: BatchConn,
  to?: Endpoint,
): (batch: SendBatch) => number {
  if (depth === 'none') return (batch) => batch.length
  if (depth === 'library') return (batch) => conn.send(batch)
  const calls = callsAt(depth)
  const sendmsg: Libc['sendmsg'] =
    name === 'sendmsg' ? calls.sendmsg : (fd, message, flags) => calls.sendmmsg(fd, message, 1, flags)
  const sending = {
    calls: new BatchedCalls({ ...libc(), ...calls, sendmsg }, conn.fd),
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

/** Returns a function that receives a batch, down to a depth, and returns how many messages it received. */
export function receivingFrom(
  depth: ReceiveDepth,
  name: ReceiveFunction,
  conn: BatchConn,
  inbox: RecvBatch,
): () => number {
  const { capacity, slots } = inbox
  if (depth === 'library') return () => conn.recv(inbox)
  if (depth === 'none') {
    return () => {
      slots.prepare()
      slots.fill(capacity)
      return capacity
    }
  }
  const calls = callsAt(depth)
  const recvmsg: Libc['recvmsg'] =
    name === 'recvmsg' ? calls.recvmsg : (fd, _message, flags) => calls.recvmmsg(fd, slots.headersAddress, 1, flags, 0)
  const batched = new BatchedCalls({ ...libc(), ...calls, recvmsg }, conn.fd)
  return () => receive(batched, slots)
}

const MSG_PROBE = 0x10
const MSG_CONFIRM = 0x800
/** An empty message then goes as far as the route and no further (udp_sendmsg, net/ipv4/udp.c). */
const PROBE_FLAGS = MSG_PROBE | MSG_CONFIRM
