import { BatchConn, type Endpoint, type MessageOptions, type OpenOptions, SendBatch } from '../../../src/index.js'

/**
 * How an activity goes on until its thread ends:
 * - `yielding`: for ever, and the event loop turns: a moment comes again and again;
 * - `blocking`: for ever, and calls that block wait without a limit: only another thread can end it;
 * - `natural`: for a short time, after which nothing keeps the thread alive, with its sockets open and unref'd.
 */
export type Mode = 'yielding' | 'blocking' | 'natural'

/** What an activity requires from the thread that runs it. */
export interface Scene {
  readonly mode: Mode
  /** Port of the `reusePort` group that the process keeps a member of. */
  readonly groupPort: number
  /** Address behind a device that sends 1 kB per second; undefined where there is none. */
  readonly slowPeer: string | undefined
  /** Reports that the activity is under way, where no moment follows soon. */
  started(): void
  /** A moment at which the thread may end: does so at one of its first calls, if this is how the thread ends. */
  moment(): void
}

/** A bound socket; unref'd where the thread has to end by itself. */
export function openSocket(scene: Scene, options?: OpenOptions, port = 0, address = '127.0.0.1'): BatchConn {
  const conn = BatchConn.open(options).bind({ address, port })
  return scene.mode === 'natural' ? conn.unref() : conn
}

/** Sends datagrams from a socket of its own to `to`: every millisecond, or three times in mode `natural`. */
export function sendTraffic(scene: Scene, to: Endpoint, options?: MessageOptions, sender = BatchConn.open()): void {
  const payload = Buffer.alloc(options?.segmentBytes === undefined ? 16 : 4 * options.segmentBytes, 'traffic')
  const out = new SendBatch({ capacity: BURST, slotBytes: payload.byteLength })
  for (let index = 0; index < BURST; index += 1) out.append(payload, to, options)
  repeat(scene, () => {
    out.rewind()
    sender.send(out)
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
    // First, so that an exception of the action does not end the repetition.
    setImmediate(step)
    action()
  }
  step()
}

/** Calls a function once per iteration of the event loop, in mode `blocking` without returning, or three times. */
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

const NATURAL_TIMES = 3

/** A thread that is not ended meanwhile ends by itself then, which its host reports. */
const BLOCKING_MS = 30_000
