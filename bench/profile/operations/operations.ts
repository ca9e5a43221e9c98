import type { Operation } from '../../engine/sample.js'
import { crossings, nodeCrossings, SOME_ADDRESS } from '../../traffic/costs.js'
import type { Depth, Work, WorkOf } from '../cases/cases.js'
import { ENCODERS } from '../encoders/encoders.js'
import {
  BatchConn,
  BatchedCalls,
  DestinationKind,
  type Endpoint,
  endpoint,
  type Libc,
  libc,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  messagesOf,
  RecvBatch,
  receive,
  SegmentationOffload,
  SendBatch,
  transmit,
} from '../library.js'

type Address = { readonly address: string; readonly port: number }

/** Opens the operation of a case. @param to - destination of what it sends */
export function openOperation(work: Work, to: Address): Operation {
  if (work.kind === 'loop') return repeated(fillingLoop(work), 0)
  if (work.kind === 'crossing') return repeated(crossing(work), 0)
  if (work.kind === 'gso') return gsoOperation(work, to)
  if (work.kind === 'encode') return encodeOperation(work, to)
  return work.mode === 'recvmsg' || work.mode === 'recvmmsg' ? receiveOperation(work) : sendOperation(work, to)
}

/**
 * Repeats a step.
 *
 * @param step - returns how many messages it sent or received; the sum keeps V8 from leaving out a step without effect
 * @param messages - how many it should; 0: what it returns means nothing
 * @param repeat - number of steps in one operation
 */
function repeated(step: (turn: number) => number, messages: number, repeat = 1): Operation {
  return {
    run: (count) => {
      const steps = count * repeat
      let sum = 0
      for (let turn = 0; turn < steps; turn += 1) sum += step(turn)
      return messages === 0 ? 0 : steps * messages - sum
    },
  }
}

/** The loop in which the messages of a batch are filled, with nothing in it. */
function fillingLoop({ batch }: WorkOf<'loop'>): () => number {
  let sum = 0
  return () => {
    for (let message = 0; message < batch; message += 1) sum = (sum + message) | 0
    return sum
  }
}

function crossing({ by, mode }: WorkOf<'crossing'>): (turn: number) => number {
  if (by === 'javascript') return (turn) => turn & 1
  const { fourIntegers, threeIntegers } = by === 'koffi' ? crossings() : nodeCrossings()
  // Node's FFI requires a BigInt for 64 bits. It is made once, so that only passing it is measured.
  const address = (by === 'koffi' ? SOME_ADDRESS : BigInt(SOME_ADDRESS)) as number
  if (mode === 'sendmmsg') return (turn) => fourIntegers(turn, address, 64, 0x4040)
  return (turn) => Number(threeIntegers(turn, address, 0x4040))
}

/** Fills a batch and hands it over: clear, reserve, send, like a program that prepares each datagram. */
function sendOperation(work: WorkOf<'call'>, to: Address): Operation {
  const { batch: messages, sizeBytes } = work
  const { conn, destination } = openSocket(to, work.connected)
  const batch = new SendBatch({ capacity: messages, slotBytes: Math.max(1, sizeBytes) })
  const send = sending(work, conn, batch, destination)
  const fillAndSend = () => {
    batch.clear()
    for (let message = 0; message < messages; message += 1) batch.reserve(sizeBytes, destination)
    return send()
  }
  return repeated(fillAndSend, messages, work.repeat)
}

/** One GSO send per call, which the kernel or the device splits into datagrams (UDP_SEGMENT). */
function gsoOperation({ segments, sizeBytes }: WorkOf<'gso'>, to: Address): Operation {
  const { conn, destination } = openSocket(to, false)
  const byteLength = segments * sizeBytes
  const options = segments > 1 ? { segmentBytes: sizeBytes } : undefined
  const batch = new SendBatch({ capacity: 1, slotBytes: byteLength })
  const { run } = repeated(() => {
    batch.clear()
    batch.reserve(byteLength, destination, options)
    return conn.send(batch)
  }, 1)
  return {
    run: (count) => {
      const short = run(count)
      // The library sends single datagrams when GSO is rejected: that is not what this case measures.
      if (!conn.gso.available) throw new Error(`GSO is off: ${conn.gso.reason}`)
      return short
    },
  }
}

/** Prepares a batch with one encoder, and sends it if the case includes the call: `sendmmsg` on an unconnected socket. */
function encodeOperation({ encoder: name, batch, sizeBytes, withCall }: WorkOf<'encode'>, to: Address): Operation {
  const definition = ENCODERS.find((one) => one.name === name)
  if (definition === undefined) throw new Error(`there is no encoder ${name}`)
  const encoder = definition.open({ batch, sizeBytes, destination: endpoint(to) })
  if (!withCall) return repeated(encoder.prepare, 0)
  const { fd } = openSocket(to, false).conn
  return repeated(() => encoder.prepareAndSend(fd, MSG_DONTWAIT | MSG_NOSIGNAL), batch)
}

/** Opens a socket to send from, and the destination of its messages: undefined for the connected peer. */
function openSocket(to: Address, connected: boolean): { conn: BatchConn; destination: Endpoint | undefined } {
  const peer = endpoint(to)
  // A batch of 1024 must never wait for the device to release buffers.
  const conn = BatchConn.open({ family: peer.family, sendBufferBytes: BUFFER_BYTES })
  if (connected) conn.connect(peer)
  return { conn, destination: connected ? undefined : peer }
}

/**
 * Receives datagrams that are already queued. A socket of the same process sends them, which is not measured. How many can be
 * queued depends on the receive buffer, which net.core.rmem_max limits for ordinary users.
 *
 * @throws Error if not even one batch fits the receive buffer
 */
export function receiveOperation(work: WorkOf<'call'>, receiveBufferBytes = BUFFER_BYTES): Operation {
  const { batch, repeat, sizeBytes, depth } = work
  const messages = batch * repeat
  const receiver = BatchConn.open({ receiveBufferBytes }).bind({ address: '127.0.0.1', port: 0 })
  const inbox = new RecvBatch({ capacity: batch, slotBytes: SLOT_BYTES })
  const operation = repeated(receiving(work, receiver, inbox), batch, repeat)
  if (depth !== 'kernel' && depth !== 'library') return operation
  const granted = receiver.options.receiveBufferBytes
  const room = Math.min(MAX_QUEUED, Math.floor(granted / queuedBytes(sizeBytes)))
  if (room < messages) {
    const needed = messages * queuedBytes(sizeBytes)
    throw new Error(
      `${messages} queued datagrams need a receive buffer of ${needed} bytes, the kernel granted ${granted} ` +
        '(sysctl net.core.rmem_max)',
    )
  }
  const sender = BatchConn.open({ sendBufferBytes: BUFFER_BYTES }).connect(receiver.localAddress)
  const supply = new SendBatch({ capacity: SUPPLY_MESSAGES, slotBytes: Math.max(1, sizeBytes) })
  let queued = 0
  return {
    run: (count) => {
      const short = operation.run(count)
      queued = Math.max(0, queued - count * messages)
      return short
    },
    mostAtOnce: Math.floor(room / messages),
    ready: (count) => {
      while (queued < count * messages) {
        supply.clear()
        const some = Math.min(SUPPLY_MESSAGES, count * messages - queued)
        for (let message = 0; message < some; message += 1) supply.reserve(sizeBytes)
        queued += sender.send(supply)
      }
    },
  }
}

/**
 * Returns what the kernel charges the receive buffer for a queued datagram, at most: its data with headers and skb_shared_info,
 * rounded up to a power of two by the allocator, and the sk_buff (SKB_TRUESIZE, include/linux/skbuff.h).
 */
function queuedBytes(sizeBytes: number): number {
  return SK_BUFF_BYTES + 2 ** Math.ceil(Math.log2(sizeBytes + HEADER_AND_SHARED_BYTES))
}

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
function sending({ depth, mode }: WorkOf<'call'>, conn: BatchConn, batch: SendBatch, to?: Endpoint): () => number {
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
function receiving({ depth, mode }: WorkOf<'call'>, conn: BatchConn, inbox: RecvBatch): () => number {
  const { capacity, slots } = inbox
  if (depth === 'library') return () => conn.recv(inbox)
  if (depth === 'none') {
    return () => {
      slots.prepare()
      slots.fill(capacity)
      slots.done()
      return capacity
    }
  }
  const calls = { ...libc(), ...CALLS_AT[depth](libc()) }
  const recvmsg: Libc['recvmsg'] =
    mode === 'recvmsg' ? calls.recvmsg : (fd, _message, flags) => calls.recvmmsg(fd, slots.headersAddress, 1, flags, 0)
  const batched = new BatchedCalls({ ...calls, recvmsg }, conn.fd)
  return () => {
    const count = receive(batched, slots)
    slots.done()
    return count
  }
}

/** MSG_PROBE | MSG_CONFIRM: an empty message then goes as far as the route and no further (udp_sendmsg, net/ipv4/udp.c). */
const PROBE_FLAGS = 0x10 | 0x800
const SK_BUFF_BYTES = 320
const HEADER_AND_SHARED_BYTES = 420
const SLOT_BYTES = 2048
const SUPPLY_MESSAGES = 64
const MAX_QUEUED = 4096
const BUFFER_BYTES = 16 * 2 ** 20
