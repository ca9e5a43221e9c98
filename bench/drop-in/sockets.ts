import * as nodeDgram from 'node:dgram'
import { once } from 'node:events'
import { BatchConn, type Endpoint, endpoint, SendBatch } from '../../src/index.js'
import { createSocket } from '../runner/drop-in.js'
import type { Contender } from './task.js'

/** A contender's socket, bound to a port of its own on loopback. */
export async function openSocket(contender: Contender): Promise<nodeDgram.Socket> {
  const options = { type: 'udp4', recvBufferSize: RECEIVE_BUFFER_BYTES } as const
  const socket =
    contender === 'dgram'
      ? nodeDgram.createSocket(options)
      : createSocket({ ...options, gro: contender === 'batchconn-dgram' })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return socket
}

/** Puts datagrams into a socket of this host, in trains, so that they wait there all at once. */
export class Feeder {
  /** How many come with one call. */
  readonly datagrams: number
  readonly #conn = BatchConn.open()
  readonly #batch: SendBatch

  constructor(port: number, sizeBytes: number) {
    const to: Endpoint = endpoint({ address: '127.0.0.1', port })
    const segments = Math.min(TRAIN_SEGMENTS, Math.floor(MAX_TRAIN_BYTES / sizeBytes))
    this.#batch = new SendBatch({ capacity: TRAINS, slotBytes: segments * sizeBytes })
    for (let train = 0; train < TRAINS; train += 1) {
      this.#batch.append(Buffer.alloc(segments * sizeBytes, train), to, { segmentBytes: sizeBytes })
    }
    this.datagrams = segments * TRAINS
  }

  feed(): void {
    this.#batch.rewind()
    while (this.#batch.remaining > 0) this.#conn.send(this.#batch)
  }

  close(): void {
    this.#conn.close()
  }
}

/** Room for what is fed at once, many times over; without CAP_NET_ADMIN it is net.core.rmem_max. */
const RECEIVE_BUFFER_BYTES = 16 << 20
const TRAINS = 16
const TRAIN_SEGMENTS = 40
const MAX_TRAIN_BYTES = 65_507
