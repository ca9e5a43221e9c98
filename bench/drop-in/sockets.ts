import * as nodeDgram from 'node:dgram'
import { once } from 'node:events'
import { createSocket } from '../../src/dgram/index.js'
import { BatchConn, endpoint, SendBatch } from '../../src/index.js'
import { gsoSegments } from '../traffic/modes.js'
import type { Candidate } from './task.js'

export async function openSocket(candidate: Candidate, address = '127.0.0.1'): Promise<nodeDgram.Socket> {
  const options = { type: 'udp4', recvBufferSize: RECEIVE_BUFFER_BYTES } as const
  const socket =
    candidate === 'dgram'
      ? nodeDgram.createSocket(options)
      : createSocket({ ...options, gso: candidate !== 'batchconn-dgram, no GSO', gro: candidate === 'batchconn-dgram' })
  socket.bind(0, address)
  await once(socket, 'listening')
  return socket
}

/** Sends datagrams to a socket on this host by GSO, so that they are all queued at once: as many as fit its buffer. */
export class Feeder {
  readonly datagrams: number
  readonly #conn = BatchConn.open()
  readonly #batch: SendBatch

  constructor(socket: nodeDgram.Socket, sizeBytes: number) {
    const to = endpoint({ address: '127.0.0.1', port: socket.address().port })
    const segments = gsoSegments(sizeBytes, SEGMENTS)
    const room = socket.getRecvBufferSize() / (segments * (sizeBytes + KERNEL_BYTES))
    const messages = Math.max(1, Math.min(MAX_MESSAGES, Math.floor(room)))
    this.#batch = new SendBatch({ capacity: messages, slotBytes: segments * sizeBytes })
    for (let message = 0; message < messages; message += 1) {
      this.#batch.append(Buffer.alloc(segments * sizeBytes, message), to, { segmentBytes: sizeBytes })
    }
    this.datagrams = segments * messages
  }

  feed(): void {
    this.#batch.rewind()
    while (this.#batch.remaining > 0) this.#conn.send(this.#batch)
  }

  close(): void {
    this.#conn.close()
  }
}

/** Limited by net.core.rmem_max. */
const RECEIVE_BUFFER_BYTES = 16 << 20
const MAX_MESSAGES = 16
/** The most that the kernel charges the receive buffer for a datagram in addition to its bytes. */
const KERNEL_BYTES = 1024
const SEGMENTS = 40
