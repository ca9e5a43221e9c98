import { crossings } from '../../traffic/costs.js'
import type { Depth, WorkOf } from '../cases/cases.js'
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
const CALLS_AT: Readonly<Record<Exclude<Depth, 'none' | 'library'>, (real: Libc) => Partial<Libc>>> = {
  pretend: () => {
    const single = () => 0
    const many = (_fd: number, _messages: number, count: number) => count
    return { sendmsg: single, recvmsg: single, sendmmsg: many, recvmmsg: many }
  },
  // The first parameter, 0, is what they return.
  crossing: () => {
    const { threeIntegers, fourIntegers, fiveIntegers } = crossings()
    const single: Libc['sendmsg'] = (_fd, message, flags) => threeIntegers(0, message, flags)
    return {
      sendmsg: single,
      recvmsg: single,
      sendmmsg: (_fd, messages, count, flags) => fourIntegers(0, messages, count, flags) + count,
      recvmmsg: (_fd, messages, count, flags, timeout) => fiveIntegers(0, messages, count, flags, timeout) + count,
    }
  },
  // sendmsg and recvmsg always have one message; the batched calls enter and leave the kernel in the same way.
  entry: ({ sendmmsg, recvmmsg }) => ({
    sendmsg: (fd, message, flags) => sendmmsg(fd, message, 0, flags),
    recvmsg: (fd, message, flags) => recvmmsg(fd, message, 0, flags, 0),
    sendmmsg: (fd, messages, count, flags) => sendmmsg(fd, messages, 0, flags) + count,
    recvmmsg: (fd, messages, count, flags, timeout) => recvmmsg(fd, messages, 0, flags, timeout) + count,
  }),
  probe: ({ sendmsg, sendmmsg }) => ({
    sendmsg: (fd, message, flags) => sendmsg(fd, message, flags | PROBE_FLAGS),
    sendmmsg: (fd, messages, count, flags) => sendmmsg(fd, messages, count, flags | PROBE_FLAGS),
  }),
  kernel: () => ({}),
}

/** Returns a function that hands a filled batch over, down to the depth of a case, and returns how many messages were accepted. */
export function sending(
  { depth, mode }: WorkOf<'call'>,
  conn: BatchConn,
  batch: SendBatch,
  to?: Endpoint,
): () => number {
  if (depth === 'none') return () => batch.length
  if (depth === 'library') return () => conn.send(batch)
  const calls = { ...libc(), ...CALLS_AT[depth](libc()) }
  const sendmsg: Libc['sendmsg'] =
    mode === 'sendmsg' ? calls.sendmsg : (fd, message, flags) => calls.sendmmsg(fd, message, 1, flags)
  const sending = {
    calls: new BatchedCalls({ ...calls, sendmsg }, conn.fd),
    supported: to === undefined ? DestinationKind.connected : to.kind,
    offload: new SegmentationOffload(conn.fd, true),
    isOwnError: () => false,
  }
  return () => {
    const messages = messagesOf(batch)
    if (messages === undefined) throw new TypeError('not a SendBatch')
    return transmit(sending, messages)
  }
}

/** Returns a function that receives a batch, down to the depth of a case, and returns how many messages it received. */
export function receiving({ depth, mode }: WorkOf<'call'>, conn: BatchConn, inbox: RecvBatch): () => number {
  const { capacity, slots } = inbox
  if (depth === 'library') return () => conn.recv(inbox)
  if (depth === 'none') {
    return () => {
      slots.prepare()
      slots.fill(capacity)
      return capacity
    }
  }
  const calls = { ...libc(), ...CALLS_AT[depth](libc()) }
  const recvmsg: Libc['recvmsg'] =
    mode === 'recvmsg' ? calls.recvmsg : (fd, _message, flags) => calls.recvmmsg(fd, slots.headersAddress, 1, flags, 0)
  const batched = new BatchedCalls({ ...calls, recvmsg }, conn.fd)
  return () => receive(batched, slots)
}

/** MSG_PROBE | MSG_CONFIRM: an empty message then goes as far as the route and no further (udp_sendmsg, net/ipv4/udp.c). */
const PROBE_FLAGS = 0x10 | 0x800
