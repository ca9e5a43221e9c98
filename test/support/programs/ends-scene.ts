import { BatchConn, type Endpoint, type MessageOptions, type OpenOptions, SendBatch } from '../../../src/index.js'

/**
 * How an activity runs until its thread ends:
 * - `yielding`: endlessly, with a running event loop: moments occur again and again;
 * - `blocking`: endlessly, in calls that block without a timeout: only another thread can end it;
 * - `natural`: for a short time; then nothing keeps the thread alive, and its sockets are open and unref'd.
 */
export type Mode = 'yielding' | 'blocking' | 'natural'

/** What an activity uses from the thread that runs it. */
export interface Scene {
  readonly mode: Mode
  /** Port of the `reusePort` group of which the process keeps a member. */
  readonly groupPort: number
  /** Address behind a device that sends 1 kB per second; undefined if there is none. */
  readonly slowPeer: string | undefined
  /** Reports that the activity has started, if no moment follows soon. */
  started(): void
  /** A moment at which the thread may end: one of its first calls ends the thread, if the ending is of that kind. */
  moment(): void
}

/** Creates a bound socket; unref'd if the thread must end by itself. */
export function openSocket(scene: Scene, options?: OpenOptions, port = 0, address = '127.0.0.1'): BatchConn {
  const conn = BatchConn.open(options).bind({ address, port })
  return scene.mode === 'natural' ? conn.unref() : conn
}

/** Sends datagrams from new sockets to `to`: every millisecond, or three times in mode `natural`. */
export function sendTraffic(scene: Scene, to: Endpoint, options?: MessageOptions, senders = [BatchConn.open()]): void {
  const payload = Buffer.alloc(options?.segmentBytes === undefined ? 16 : 4 * options.segmentBytes, 'traffic')
  const out = new SendBatch({ capacity: BURST, slotBytes: payload.byteLength })
  for (let index = 0; index < BURST; index += 1) out.append(payload, to, options)
  repeat(scene, () => {
    for (const sender of senders) {
      out.rewind()
      sender.send(out)
    }
  })
}

/** Calls a function every millisecond, or three times in mode `natural`. */
export function repeat(scene: Scene, action: () => void): void {
  if (scene.mode !== 'natural') {
    setInterval(action, 1)
    return
  }
  let left = NATURAL_TIMES
  const step = () => {
    if (left-- <= 0) return
    // Scheduled first, so that an exception of the action does not end the repetition.
    setImmediate(step)
    action()
  }
  step()
}

/** Calls a function once per loop iteration, in mode `blocking` without returning, in mode `natural` three times. */
export function repeatAtOnce(scene: Scene, action: () => void): void {
  if (scene.mode === 'natural') {
    for (let index = 0; index < NATURAL_TIMES; index += 1) action()
    return
  }
  if (scene.mode === 'blocking') {
    setImmediate(() => {
      const deadline = performance.now() + BLOCKING_MS
      while (performance.now() < deadline) action()
    })
    return
  }
  const step = () => {
    setImmediate(step)
    action()
  }
  setImmediate(step)
}

const BURST = 16

/**
 * Sockets that send to a `reusePort` group. The kernel chooses the member by the sender's port: with one other member, all
 * senders choose that one with a probability of 2^-24. With 8 senders it happened, and a worker without datagrams never ended.
 */
export const GROUP_SENDERS = 24

const NATURAL_TIMES = 3

/** A thread that was not ended until then ends by itself, which its host reports. */
const BLOCKING_MS = 30_000
