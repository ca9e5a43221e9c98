import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { type Endpoint, endpoint } from '../../src/index.js'
import { monotonicMicroseconds } from '../workload/clock.js'
import { HEADER_BYTES, HeaderWord } from '../workload/payload-header.js'
import type { StreamLedger } from '../workload/stream-ledger.js'
import { type ReceivePlan, type Receiver, WANTED_RECEIVE_BUFFER_BYTES } from './receiver.js'

/** Receives with `node:dgram`, for scale: an event a datagram. What the kernel drops it does not tell. */
export class DgramReceiver implements Receiver {
  readonly counts = { datagrams: 0, bytes: 0 }
  readonly kernelDrops = null
  readonly localAddress: Endpoint
  readonly receiveBufferBytes: number
  readonly #socket: Socket

  private constructor(socket: Socket) {
    this.#socket = socket
    const { address, port } = socket.address()
    this.localAddress = endpoint({ address, port })
    this.receiveBufferBytes = socket.getRecvBufferSize()
  }

  /** Opens and binds; `exclusive`, so that an address in use is an error. */
  static async open({ listen }: ReceivePlan): Promise<DgramReceiver> {
    const socket = createSocket({
      type: listen.family === 'ipv4' ? 'udp4' : 'udp6',
      recvBufferSize: WANTED_RECEIVE_BUFFER_BYTES,
    })
    try {
      socket.bind({ address: listen.address, port: listen.port, exclusive: true })
      await once(socket, 'listening')
      return new DgramReceiver(socket)
    } catch (error) {
      socket.close()
      throw error
    }
  }

  /** Node brings its own memory, of the largest size. */
  makeRoom(): void {}

  async run(ledger: StreamLedger, signal: AbortSignal): Promise<void> {
    const receive = (message: Buffer) => this.#record(ledger, message)
    this.#socket.on('message', receive)
    if (!signal.aborted) await once(signal, 'abort')
    this.#socket.off('message', receive)
  }

  close(): void {
    this.#socket.close()
  }

  /** Books one datagram. */
  #record(ledger: StreamLedger, message: Buffer): void {
    const nowMs = performance.now()
    this.counts.datagrams += 1
    this.counts.bytes += message.byteLength
    const isNumbered = message.byteLength >= HEADER_BYTES
    const account = isNumbered ? ledger.account(wordAt(message, HeaderWord.stream)) : ledger.unnumbered()
    if (account === undefined) return
    account.noteCall(nowMs)
    if (isNumbered) {
      const sequence = wordAt(message, HeaderWord.sequenceHigh) * 2 ** 32 + wordAt(message, HeaderWord.sequenceLow)
      const sentMicroseconds = wordAt(message, HeaderWord.microseconds)
      account.record(sequence, sentMicroseconds, monotonicMicroseconds(nowMs), message.byteLength)
    } else {
      account.recordUnnumbered(message.byteLength)
    }
  }
}

// Node's messages lie anywhere in memory, so there is no array of words over them.
function wordAt(message: Buffer, word: number): number {
  return message.readUInt32LE(word * 4)
}
