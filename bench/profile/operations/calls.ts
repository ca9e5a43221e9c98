import { crossings } from '../../traffic/costs.js'
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

/** What takes the place of the system calls at each depth. */
const CALLS_AT: Readonly<Record<Exclude<SendDepth, 'none' | 'library'>, (real: Libc) => Partial<Libc>>> = {
  pretend: () => {
    const single = () => 0
    const many = (_fd: number, _messages: number, count: number) => count
    return { sendmsg: single, recvmsg: single, sendmmsg: many, recvmmsg: many }
  },
  crossing: () => {
    const { threeIntegers, fourIntegers, fiveIntegers } = crossings()
    const single: Libc['sendmsg'] = (fd, message, flags) => {
      threeIntegers(fd, message, flags)
      return 0
    }
    return {
      sendmsg: single,
      recvmsg: single,
      sendmmsg: (fd, messages, count, flags) => {
        fourIntegers(fd, messages, count, flags)
        return count
      },
      recvmmsg: (fd, messages, count, flags, timeout) => {
        fiveIntegers(fd, messages, count, flags, timeout)
        return count
      },
    }
  },
  // sendmsg and recvmsg always have one message; the batched calls enter and leave the kernel in the same way.
  entry: ({ sendmmsg, recvmmsg }) => ({
    sendmsg: (fd, message, flags) => sendmmsg(fd, message, 0, flags),
    recvmsg: (fd, message, flags) => recvmmsg(fd, message, 0, flags, 0),
    sendmmsg: (fd, messages, count, flags) => {
      sendmmsg(fd, messages, 0, flags)
      return count
    },
    recvmmsg: (fd, messages, count, flags, timeout) => {
      recvmmsg(fd, messages, 0, flags, timeout)
      return count
    },
  }),
  probe: ({ sendmsg, sendmmsg }) => ({
    sendmsg: (fd, message, flags) => sendmsg(fd, message, flags | PROBE_FLAGS),
    sendmmsg: (fd, messages, count, flags) => sendmmsg(fd, messages, count, flags | PROBE_FLAGS),
  }),
  kernel: () => ({}),
}

function callsAt(depth: keyof typeof CALLS_AT): Libc {
  return { ...libc(), ...CALLS_AT[depth](libc()) }
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
    calls: new BatchedCalls({ ...calls, sendmsg }, conn.fd),
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
  const batched = new BatchedCalls({ ...calls, recvmsg }, conn.fd)
  return () => receive(batched, slots)
}

/** MSG_PROBE | MSG_CONFIRM: an empty message then goes as far as the route and no further (udp_sendmsg, net/ipv4/udp.c). */
const PROBE_FLAGS = 0x10 | 0x800
