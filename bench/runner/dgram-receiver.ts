import { createSocket, type Socket, type SocketOptions } from 'node:dgram'
import { once } from 'node:events'
import { BatchConn, type Endpoint, endpoint, type FeatureStatus } from '../../src/index.js'
import { monotonicMicroseconds } from '../workload/clock.js'
import { HEADER_BYTES, HeaderOffset, headerWord } from '../workload/payload-header.js'
import type { StreamLedger } from '../workload/stream-ledger.js'
import { type ReceivePlan, type Receiver, WANTED_RECEIVE_BUFFER_BYTES } from './receiver.js'

/** `node:dgram`'s, or that of a drop-in for it. */
export type CreateSocket = (options: SocketOptions) => Socket

/** Receives with `node:dgram`, for scale, or with the drop-in: an event a datagram. What the kernel drops neither tells. */
export class DgramReceiver implements Receiver {
  readonly counts = { datagrams: 0, bytes: 0 }
  readonly kernelDrops = null
  readonly localAddress: Endpoint
  readonly receiveBufferBytes: number
  readonly batch: number
  readonly gro: FeatureStatus
  readonly #socket: Socket
  /** When the drop-in last made a system call that brought something. */
  #callMs: number | undefined

  private constructor(socket: Socket, isDropIn: boolean) {
    this.#socket = socket
    this.batch = isDropIn ? DROP_IN_BATCH : 1
    this.gro = isDropIn ? groStatus() : { available: false, reason: 'node:dgram does not know it' }
    const { address, port } = socket.address()
    this.localAddress = endpoint({ address, port })
    this.receiveBufferBytes = socket.getRecvBufferSize()
  }

  /** Opens and binds; `exclusive`, so that an address in use is an error. */
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

  /** Node brings its own memory, of the largest size. */
  makeRoom(): void {}

  async run(ledger: StreamLedger, signal: AbortSignal): Promise<void> {
    const receive = (message: Buffer) => this.#record(ledger, message)
    // The drop-in tells of each call with an event of its own; Node makes one a message.
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

  /** Books one datagram. */
  #record(ledger: StreamLedger, message: Buffer): void {
    // What one call brought has arrived at one time, here as with the library.
    const nowMs = this.#callMs ?? performance.now()
    // Not `byteLength`, which costs ten times as much.
    const { length } = message
    this.counts.datagrams += 1
    this.counts.bytes += length
    const isNumbered = length >= HEADER_BYTES
    const account = isNumbered ? ledger.account(headerWord(message, HeaderOffset.stream)) : ledger.unnumbered()
    if (account === undefined) return
    account.noteCall(nowMs)
    if (isNumbered) {
      const high = headerWord(message, HeaderOffset.sequenceHigh)
      const sequence = high * 2 ** 32 + headerWord(message, HeaderOffset.sequenceLow)
      const sentMicroseconds = headerWord(message, HeaderOffset.microseconds)
      account.record(sequence, sentMicroseconds, monotonicMicroseconds(nowMs), length)
    } else {
      account.recordUnnumbered(length)
    }
  }
}

/** What a socket of this process is given that asks for trains. */
function groStatus(): FeatureStatus {
  using conn = BatchConn.open({ gro: true })
  return conn.gro
}

/** docs/dgram.md. */
const DROP_IN_BATCH = 64
