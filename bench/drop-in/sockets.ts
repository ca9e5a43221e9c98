import * as nodeDgram from 'node:dgram'
import { once } from 'node:events'
import { BatchConn, type Endpoint, endpoint, SendBatch } from '../../src/index.js'
import { createSocket } from '../runner/drop-in.js'
import type { Contender } from './task.js'

/** A contender's socket, bound to a port of its own. */
export async function openSocket(contender: Contender, address = '127.0.0.1'): Promise<nodeDgram.Socket> {
  const options = { type: 'udp4', recvBufferSize: RECEIVE_BUFFER_BYTES } as const
  const socket =
    contender === 'dgram'
      ? nodeDgram.createSocket(options)
      : createSocket({ ...options, gso: contender !== 'batchconn-dgram, no GSO', gro: contender === 'batchconn-dgram' })
  socket.bind(0, address)
  await once(socket, 'listening')
  return socket
}

/** Puts datagrams into a socket of this host, in trains, so that they wait there all at once: as many as it has room for. */
export class Feeder {
  /** How many come with one call. */
  readonly datagrams: number
  readonly #conn = BatchConn.open()
  readonly #batch: SendBatch

  constructor(socket: nodeDgram.Socket, sizeBytes: number) {
    const to: Endpoint = endpoint({ address: '127.0.0.1', port: socket.address().port })
    const segments = Math.min(TRAIN_SEGMENTS, Math.floor(MAX_TRAIN_BYTES / sizeBytes))
    const room = socket.getRecvBufferSize() / (segments * (sizeBytes + KERNEL_BYTES))
    const trains = Math.max(1, Math.min(MOST_TRAINS, Math.floor(room)))
    this.#batch = new SendBatch({ capacity: trains, slotBytes: segments * sizeBytes })
    for (let train = 0; train < trains; train += 1) {
      this.#batch.append(Buffer.alloc(segments * sizeBytes, train), to, { segmentBytes: sizeBytes })
    }
    this.datagrams = segments * trains
  }

  feed(): void {
    this.#batch.rewind()
    while (this.#batch.remaining > 0) this.#conn.send(this.#batch)
  }

  close(): void {
    this.#conn.close()
  }
}

/** More than is needed; it is granted up to net.core.rmem_max. */
const RECEIVE_BUFFER_BYTES = 16 << 20
const MOST_TRAINS = 16
/** What the kernel counts against the receive buffer for a datagram beside its bytes, at the most. */
const KERNEL_BYTES = 1024
const TRAIN_SEGMENTS = 40
const MAX_TRAIN_BYTES = 65_507
