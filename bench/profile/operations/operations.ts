import type { Operation } from '../../engine/sample.js'
import { crossings, nodeCrossings, SOME_ADDRESS } from '../../traffic/costs.js'
import type { CrossingBy, SendFunction, Work, WorkOf } from '../cases/work.js'
import { ENCODERS } from '../encoders/encoders.js'
import { BatchConn, type Endpoint, endpoint, MSG_DONTWAIT, MSG_NOSIGNAL, RecvBatch, SendBatch } from '../library.js'
import { receivingFrom, sendingTo } from './calls.js'

type Address = { readonly address: string; readonly port: number }

/** Opens the operation of a case. @param to - destination of what it sends */
export function openOperation(work: Work, to: Address): Operation {
  switch (work.kind) {
    case 'loop':
      return loopOperation(work)
    case 'crossing':
      return crossingOperation(work)
    case 'send':
      return sendOperation(work, to)
    case 'gso':
      return gsoOperation(work, to)
    case 'receive':
      return receiveOperation(work)
    case 'encode':
      return encodeOperation(work, to)
  }
}

/** The loop in which the messages of a batch are filled, with nothing in it. */
function loopOperation({ batch }: WorkOf<'loop'>): Operation {
  let sum = 0
  return {
    run: (count) => {
      for (let turn = 0; turn < count; turn += 1) {
        for (let message = 0; message < batch; message += 1) sum = (sum + message) | 0
      }
      return 0
    },
  }
}

function crossingOperation({ by, function: name }: WorkOf<'crossing'>): Operation {
  const call = crossing(by, name)
  let sum = 0
  return {
    run: (count) => {
      for (let turn = 0; turn < count; turn += 1) sum = (sum + call(turn)) | 0
      return 0
    },
  }
}

function crossing(by: CrossingBy, name: SendFunction): (turn: number) => number {
  if (by === 'javascript') return (turn) => turn & 1
  const { fourIntegers, threeIntegers } = by === 'koffi' ? crossings() : nodeCrossings()
  // Node's FFI requires a BigInt for 64 bits. It is made once, so that only passing it is measured.
  const address = (by === 'koffi' ? SOME_ADDRESS : BigInt(SOME_ADDRESS)) as number
  if (name === 'sendmmsg') return (turn) => fourIntegers(turn, address, 64, 0x4040)
  return (turn) => Number(threeIntegers(turn, address, 0x4040))
}

/** Fills a batch and hands it over: clear, reserve, send, like a program that prepares each datagram. */
function sendOperation(work: WorkOf<'send'>, to: Address): Operation {
  const { batch: messages, repeat, sizeBytes, depth } = work
  const { conn, destination } = openSocket(to, work.connected)
  const batch = new SendBatch({ capacity: messages, slotBytes: Math.max(1, sizeBytes) })
  const handOver = sendingTo(depth, work.function, conn, destination)
  return {
    run: (count) => {
      const total = count * repeat
      let taken = 0
      for (let turn = 0; turn < total; turn += 1) {
        batch.clear()
        for (let message = 0; message < messages; message += 1) batch.reserve(sizeBytes, destination)
        taken += handOver(batch)
      }
      return total * messages - taken
    },
  }
}

/** One GSO send per call, which the kernel or the device splits into datagrams (UDP_SEGMENT). */
function gsoOperation({ segments, sizeBytes, connected }: WorkOf<'gso'>, to: Address): Operation {
  const { conn, destination } = openSocket(to, connected)
  const byteLength = segments * sizeBytes
  const options = segments > 1 ? { segmentBytes: sizeBytes } : undefined
  const batch = new SendBatch({ capacity: 1, slotBytes: byteLength })
  return {
    run: (count) => {
      let short = count
      for (let turn = 0; turn < count; turn += 1) {
        batch.clear()
        batch.reserve(byteLength, destination, options)
        short -= conn.send(batch)
      }
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
  const { conn, destination } = openSocket(to, false)
  const encoder = definition.open({ batch, sizeBytes, destination: destination as Endpoint })
  if (!withCall) {
    return {
      run: (count) => {
        for (let turn = 0; turn < count; turn += 1) encoder.prepare()
        return 0
      },
    }
  }
  const { fd } = conn
  return {
    run: (count) => {
      let short = count * batch
      for (let turn = 0; turn < count; turn += 1) short -= encoder.prepareAndSend(fd, FLAGS)
      return short
    },
  }
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
export function receiveOperation(work: WorkOf<'receive'>, receiveBufferBytes = BUFFER_BYTES): Operation {
  const { batch, repeat, sizeBytes, depth } = work
  const messages = batch * repeat
  const receiver = BatchConn.open({ receiveBufferBytes }).bind({ address: '127.0.0.1', port: 0 })
  const inbox = new RecvBatch({ capacity: batch, slotBytes: SLOT_BYTES })
  const receive = receivingFrom(depth, work.function, receiver, inbox)
  let queued = 0
  const run = (count: number): number => {
    let taken = 0
    for (let turn = 0; turn < count * repeat; turn += 1) taken += receive()
    queued = Math.max(0, queued - count * messages)
    return count * messages - taken
  }
  if (depth !== 'kernel' && depth !== 'library') return { run }
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
  return {
    run,
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

const SK_BUFF_BYTES = 320
const HEADER_AND_SHARED_BYTES = 420
const SLOT_BYTES = 2048
const SUPPLY_MESSAGES = 64
const MAX_QUEUED = 4096
const BUFFER_BYTES = 16 * 2 ** 20
const FLAGS = MSG_DONTWAIT | MSG_NOSIGNAL
