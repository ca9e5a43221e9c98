import { createSocket, type RemoteInfo, type Socket, type SocketOptions } from 'node:dgram'
import { once } from 'node:events'
import { BatchConn, type Endpoint, endpoint, type FeatureStatus } from '../../src/index.js'
import { HEADER_BYTES, HeaderOffset, headerWord, monotonicMicroseconds, sequenceOf } from './payload-header.js'
import {
  type ReceivePlan,
  type Receiver,
  type StreamStatistics,
  type Streams,
  UNNUMBERED,
  WANTED_RECEIVE_BUFFER_BYTES,
} from './streams.js'

/** That of `node:dgram`, or of a drop-in for it. */
export type CreateSocket = (options: SocketOptions) => Socket

/** Receives with `node:dgram` or with the drop-in for it: one event per datagram. The kernel's drops are unknown. */
export class DgramReceiver implements Receiver {
  readonly counts = { datagrams: 0, bytes: 0 }
  readonly kernelDrops = null
  readonly localAddress: Endpoint
  readonly receiveBufferBytes: number
  readonly batch: number
  readonly gro: FeatureStatus
  readonly #socket: Socket
  /** Time of the drop-in's last receive call that returned datagrams. */
  #callMs: number | undefined

  private constructor(socket: Socket, isDropIn: boolean) {
    this.#socket = socket
    this.batch = isDropIn ? DROP_IN_BATCH : 1
    this.gro = isDropIn ? groStatus() : { available: false, reason: 'node:dgram does not support GRO' }
    const { address, port } = socket.address()
    this.localAddress = endpoint({ address, port })
    this.receiveBufferBytes = socket.getRecvBufferSize()
  }

  /** Opens and binds a socket; `exclusive`, so that an address in use is an error. */
  static async open({ listen }: ReceivePlan, create: CreateSocket = createSocket): Promise<DgramReceiver> {
    const socket = create({
      type: listen.family === 'ipv4' ? 'udp4' : 'udp6',
      recvBufferSize: WANTED_RECEIVE_BUFFER_BYTES,
    })
    try {
      socket.bind({ address: listen.address, port: listen.port, exclusive: true })
      await once(socket, 'listening')
      return new DgramReceiver(socket, create !== createSocket)
    } catch (error) {
      socket.close()
      throw error
    }
  }

  /** Node allocates memory for the largest datagram. */
  makeRoom(): void {}

  async run(streams: Streams, signal: AbortSignal): Promise<void> {
    const receive = (message: Buffer, { port, address }: RemoteInfo) => {
      // With a callback, a reply that cannot be sent is lost, and the receiver goes on.
      if (this.#record(streams, message)?.isEchoed) this.#socket.send(message, port, address, () => {})
    }
    // The drop-in emits one event per receive call; Node makes one call per datagram.
    const noteCall = () => {
      this.#callMs = performance.now()
    }
    this.#socket.on('message', receive).on('batch', noteCall)
    if (!signal.aborted) await once(signal, 'abort')
    this.#socket.off('message', receive).off('batch', noteCall)
  }

  close(): void {
    this.#socket.close()
  }

  #record(streams: Streams, message: Buffer): StreamStatistics | undefined {
    // All datagrams of one call have the same arrival time, as with the library.
    const nowMs = this.#callMs ?? performance.now()
    // Not `byteLength`, which is ten times as slow.
    const { length } = message
    this.counts.datagrams += 1
    this.counts.bytes += length
    const isNumbered = length >= HEADER_BYTES
    const statistics = streams.of(isNumbered ? headerWord(message, HeaderOffset.stream) : UNNUMBERED)
    if (statistics === undefined) return undefined
    statistics.noteCall(nowMs)
    if (isNumbered) {
      const sentMicroseconds = headerWord(message, HeaderOffset.microseconds)
      statistics.record(sequenceOf(message), sentMicroseconds, monotonicMicroseconds(nowMs), length)
    } else {
      statistics.recordUnnumbered(length)
    }
    return statistics
  }
}

/** Whether sockets of this process support GRO. */
function groStatus(): FeatureStatus {
  using conn = BatchConn.open({ gro: true })
  return conn.gro
}

/** docs/dgram.md. */
const DROP_IN_BATCH = 64
