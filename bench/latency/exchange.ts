import { setImmediate as nextIteration } from 'node:timers/promises'
import { Histogram } from '../stats/histogram.js'
import { HEADER_BYTES, HeaderOffset, headerWord, sequenceOf } from '../traffic/payload-header.js'
import { type Arrival, SequenceWindow } from '../traffic/streams.js'
import type { Requester } from './requester.js'

export interface ExchangePlan {
  readonly stream: number
  readonly packetsPerSecond: number
  readonly seconds: number
  readonly signal: AbortSignal
}

export interface Exchange {
  /** Requests that were due. */
  readonly due: number
  /** Requests that were sent. The others were due and not sent: the client could not keep the rate. */
  readonly sent: number
  /** Nanoseconds from the time a request was due to the time of its reply. */
  readonly latencies: Histogram
}

/**
 * Sends requests at a rate, whether or not earlier ones were answered, and measures each reply from the time its request was
 * due: requests that a slow reply, or the client itself, delays are measured with that delay (coordinated omission). It polls,
 * so that no latency includes waking this process.
 */
export async function exchange(
  requester: Requester,
  { stream, packetsPerSecond, seconds, signal }: ExchangePlan,
): Promise<Exchange> {
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

const ANSWERED: ReadonlySet<Arrival> = new Set(['duplicate', 'outdated'])
/** Longer than a reply is under way in a local network, and than a busy client is late. */
const QUIET_MS = 500
const ITERATION_MS = 25
