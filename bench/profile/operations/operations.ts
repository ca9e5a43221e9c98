import type { Operation } from '../../engine/sample.js'
import { crossings, nodeCrossings, SOME_ADDRESS } from '../../traffic/ffi-crossing.js'
import type { CrossingBy, SendFunction, Work } from '../cases/work.js'
import { ENCODERS } from '../encoders/encoders.js'
import { BatchConn, type Endpoint, endpoint, MSG_DONTWAIT, MSG_NOSIGNAL, SendBatch } from '../library.js'
import { sendingTo } from './calls.js'
import { receiveOperation } from './receive-operation.js'
import { spin, spinsPerNanosecond } from './spin.js'

type WorkOf<Kind extends Work['kind']> = Extract<Work, { kind: Kind }>
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

/** A call through an FFI, or of a JavaScript function. */
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
  const { batch: messages, repeat, sizeBytes, depth, injected } = work
  const { conn, destination } = openSocket(to, work.connected)
  const batch = new SendBatch({ capacity: messages, slotBytes: Math.max(1, sizeBytes) })
  const handOver = sendingTo(depth, work.function, conn, destination)
  const { messageNanoseconds, callNanoseconds } = injected ?? { messageNanoseconds: 0, callNanoseconds: 0 }
  const injectedNanoseconds = messageNanoseconds * messages + callNanoseconds
  const spins = injectedNanoseconds === 0 ? 0 : Math.round(injectedNanoseconds * spinsPerNanosecond())
  return {
    run: (count) => {
      const total = count * repeat
      let taken = 0
      for (let turn = 0; turn < total; turn += 1) {
        batch.clear()
        for (let message = 0; message < messages; message += 1) batch.reserve(sizeBytes, destination)
        if (spins > 0) spin(spins)
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
  const conn = BatchConn.open({ family: peer.family, sendBufferBytes: SEND_BUFFER_BYTES })
  if (connected) conn.connect(peer)
  return { conn, destination: connected ? undefined : peer }
}

/** Large enough that a batch of 1024 never waits for the device to release buffers. */
const SEND_BUFFER_BYTES = 16 * 2 ** 20
const FLAGS = MSG_DONTWAIT | MSG_NOSIGNAL
