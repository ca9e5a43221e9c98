import { createSocket as createNodeSocket, type Socket } from 'node:dgram'
import { setImmediate as nextIteration } from 'node:timers/promises'
import { createSocket } from '../../src/dgram/index.js'
import { RecvBatch, SendBatch } from '../../src/index.js'
import type { LatencyMode } from '../options/throughput-options.js'
import { Histogram } from '../stats/histogram.js'
import { openConn } from '../traffic/batch-sender.js'
import { openDgram } from '../traffic/dgram-sender.js'
import {
  HEADER_BYTES,
  HeaderOffset,
  HeaderStamper,
  headerWord,
  sequenceOf,
  writeHeader,
} from '../traffic/payload-header.js'
import { type SendPlan, type SocketPlan, sendFailure } from '../traffic/sender.js'
import { type Arrival, SequenceWindow, WANTED_RECEIVE_BUFFER_BYTES } from '../traffic/streams.js'

export type Exchange = Awaited<ReturnType<typeof exchange>>

/**
 * Sends requests at a rate, whether or not earlier ones were answered, and measures each reply from the time its request was
 * due: requests that a slow reply, or the client itself, delays are measured with that delay (coordinated omission). It polls,
 * so that no latency includes waking this process.
 *
 * @returns how many requests were due, and how many of them were sent: fewer if the client could not keep the rate; and the
 *   nanoseconds from the time each was due to the time of its reply
 */
export async function exchange(
  requester: Requester,
  packetsPerSecond: number,
  stream: number,
  seconds: number,
  signal: AbortSignal,
) {
  const latencies = new Histogram()
  const window = new SequenceWindow()
  const perMs = packetsPerSecond / 1000
  const startMs = performance.now()
  const endMs = startMs + seconds * 1000
  const due = Math.max(1, Math.round(seconds * packetsPerSecond))
  let sent = 0
  let lastMs = endMs
  let iterationMs = startMs
  requester.onReply = (reply, nowMs) => {
    const isOwn = reply.byteLength >= HEADER_BYTES && headerWord(reply, HeaderOffset.stream) === stream
    const sequence = isOwn ? sequenceOf(reply) : sent
    if (sequence >= sent || ANSWERED.has(window.note(sequence))) return
    latencies.record((nowMs - startMs - sequence / perMs) * 1e6)
    lastMs = Math.max(endMs, nowMs)
  }
  for (;;) {
    const nowMs = performance.now()
    const count = Math.min(due, Math.floor((nowMs - startMs) * perMs) + 1) - sent
    if (count > 0 && nowMs < endMs + QUIET_MS) sent += requester.send(stream, sent, count)
    await requester.poll()
    if (latencies.total === due || nowMs >= lastMs + QUIET_MS) break
    if (nowMs < iterationMs) continue
    // For signals.
    await nextIteration()
    signal.throwIfAborted()
    iterationMs = nowMs + ITERATION_MS
  }
  return { due, sent, latencies }
}

type RequestPlan = SocketPlan & Pick<SendPlan, 'sizeBytes' | 'batch'>

/** A socket that sends requests, one datagram each, and receives the replies. */
export interface Requester {
  /** Called with each datagram that arrives. It is valid until the function returns. */
  onReply: (reply: Buffer, nowMs: number) => void
  /** Sends up to `count` requests, numbered from `first` on. @returns how many were sent; 0 if the socket is full */
  send(stream: number, first: number, count: number): number
  /** Receives the replies that have arrived, without waiting for others. */
  poll(): void | Promise<void>
  close(): void
}

export async function openRequester(mode: LatencyMode, plan: RequestPlan): Promise<Requester> {
  if (mode === 'sendmsg') return batchRequester({ ...plan, batch: 1 })
  if (mode === 'sendmmsg') return batchRequester(plan)
  return dgramRequester(plan, await openDgram(plan, mode === 'dgram' ? createNodeSocket : createSocket))
}

/** Sends all requests that are due in one call, up to the batch size, and polls the socket by receive calls. */
function batchRequester(plan: RequestPlan): Requester {
  const { batch: capacity, sizeBytes: slotBytes } = plan
  const conn = openConn(plan, { receiveBufferBytes: WANTED_RECEIVE_BUFFER_BYTES })
  const replies = new RecvBatch({ capacity, slotBytes })
  const requests = new SendBatch({ capacity, slotBytes })
  const reserve = (count: number) => {
    requests.clear()
    return Array.from({ length: count }, () => requests.reserve(slotBytes))
  }
  const headers = new HeaderStamper(reserve(capacity).map((payload) => payload.fill(0)))
  return {
    onReply: () => {},
    send(stream, first, count) {
      const reserved = reserve(Math.min(count, capacity))
      headers.stamp(reserved.length, stream, first, 0)
      try {
        return conn.send(requests)
      } catch (error) {
        throw sendFailure(error, plan.destination)
      }
    },
    poll() {
      const count = conn.recv(replies)
      const nowMs = performance.now()
      for (let index = 0; index < count; index += 1) this.onReply(replies.bytes(index), nowMs)
    },
    close: () => conn.close(),
  }
}

/** Sends requests one by one, with `node:dgram` or the drop-in for it, and polls the socket by loop iterations. */
function dgramRequester({ destination, sizeBytes, batch }: RequestPlan, socket: Socket): Requester {
  let failure: Error | undefined
  socket.setRecvBufferSize(WANTED_RECEIVE_BUFFER_BYTES)
  socket.on('error', (error) => {
    failure ??= sendFailure(error, destination)
  })
  const requester: Requester = {
    onReply: () => {},
    send(stream, first, wanted) {
      const count = Math.min(wanted, batch)
      for (let sequence = first; sequence < first + count; sequence += 1) {
        const request = Buffer.alloc(sizeBytes)
        writeHeader(request, stream, sequence)
        socket.send(request)
      }
      return count
    },
    async poll() {
      await nextIteration()
      if (failure !== undefined) throw failure
    },
    close: () => socket.close(),
  }
  socket.on('message', (reply) => requester.onReply(reply, performance.now()))
  return requester
}

const ANSWERED: ReadonlySet<Arrival> = new Set(['duplicate', 'outdated'])
/** Longer than a reply is under way in a local network, and than a busy client is late. */
const QUIET_MS = 500
const ITERATION_MS = 25
