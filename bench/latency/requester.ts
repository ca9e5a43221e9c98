import { createSocket as createNodeSocket, type Socket } from 'node:dgram'
import { setImmediate as nextIteration } from 'node:timers/promises'
import { createSocket } from '../../src/dgram/index.js'
import { type BatchConn, RecvBatch, SendBatch } from '../../src/index.js'
import type { LatencyMode } from '../options/throughput-options.js'
import { openConn } from '../traffic/batch-sender.js'
import { openDgram } from '../traffic/dgram-sender.js'
import { HeaderStamper, writeHeader } from '../traffic/payload-header.js'
import { WANTED_RECEIVE_BUFFER_BYTES } from '../traffic/receiver.js'
import { type SendPlan, type SocketPlan, sendFailure } from '../traffic/sender.js'

export type RequestPlan = SocketPlan & Pick<SendPlan, 'sizeBytes' | 'batch'>

/** Called with each datagram that arrives. It is valid until the function returns. */
export type OnReply = (reply: Buffer, nowMs: number) => void

/** A socket that sends requests, one datagram each, and receives the replies. */
export interface Requester {
  onReply: OnReply
  /** Sends up to `count` requests, numbered from `first` on. @returns how many were sent; 0 if the socket is full */
  send(stream: number, first: number, count: number): number
  /** Receives the replies that have arrived, without waiting for others. */
  poll(): void | Promise<void>
  close(): void
}

export async function openRequester(mode: LatencyMode, plan: RequestPlan): Promise<Requester> {
  switch (mode) {
    case 'sendmsg':
      return new BatchRequester({ ...plan, batch: 1 })
    case 'sendmmsg':
      return new BatchRequester(plan)
    case 'dgram':
      return new DgramRequester(plan, await openDgram(plan, createNodeSocket))
    case 'batchconn-dgram':
      return new DgramRequester(plan, await openDgram(plan, createSocket))
  }
}

/** Sends all requests that are due in one call, up to the batch size, and polls the socket by receive calls. */
class BatchRequester implements Requester {
  onReply: OnReply = () => {}
  readonly #plan: RequestPlan
  readonly #conn: BatchConn
  readonly #requests: SendBatch
  readonly #replies: RecvBatch
  readonly #headers: HeaderStamper

  constructor(plan: RequestPlan) {
    const { batch: capacity, sizeBytes: slotBytes } = plan
    this.#plan = plan
    this.#conn = openConn(plan, { receiveBufferBytes: WANTED_RECEIVE_BUFFER_BYTES })
    this.#replies = new RecvBatch({ capacity, slotBytes })
    this.#requests = new SendBatch({ capacity, slotBytes })
    this.#headers = new HeaderStamper(this.#reserve(capacity).map((payload) => payload.fill(0)))
  }

  send(stream: number, first: number, count: number): number {
    const reserved = this.#reserve(Math.min(count, this.#plan.batch))
    this.#headers.stamp(reserved.length, stream, first, 0)
    try {
      return this.#conn.send(this.#requests)
    } catch (error) {
      throw sendFailure(error, this.#plan.destination)
    }
  }

  poll(): void {
    const count = this.#conn.recv(this.#replies)
    const nowMs = performance.now()
    for (let index = 0; index < count; index += 1) this.onReply(this.#replies.bytes(index), nowMs)
  }

  close(): void {
    this.#conn.close()
  }

  #reserve(count: number): Buffer[] {
    this.#requests.clear()
    return Array.from({ length: count }, () => this.#requests.reserve(this.#plan.sizeBytes))
  }
}

/** Sends requests one by one, with `node:dgram` or the drop-in for it, and polls the socket by loop iterations. */
class DgramRequester implements Requester {
  onReply: OnReply = () => {}
  readonly #plan: RequestPlan
  readonly #socket: Socket
  #error: Error | undefined

  constructor(plan: RequestPlan, socket: Socket) {
    this.#plan = plan
    this.#socket = socket
    socket.setRecvBufferSize(WANTED_RECEIVE_BUFFER_BYTES)
    socket.on('error', (error) => {
      this.#error ??= sendFailure(error, plan.destination)
    })
    socket.on('message', (reply) => this.onReply(reply, performance.now()))
  }

  send(stream: number, first: number, wanted: number): number {
    const count = Math.min(wanted, this.#plan.batch)
    for (let sequence = first; sequence < first + count; sequence += 1) {
      const request = Buffer.alloc(this.#plan.sizeBytes)
      writeHeader(request, stream, sequence)
      this.#socket.send(request)
    }
    return count
  }

  async poll(): Promise<void> {
    await nextIteration()
    if (this.#error !== undefined) throw this.#error
  }

  close(): void {
    this.#socket.close()
  }
}
