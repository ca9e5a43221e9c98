import { createHash, timingSafeEqual } from 'node:crypto'
import type { LineLimits } from '../children/mailbox.js'
import { MAX_PAYLOAD_BYTES } from '../traffic/modes.js'
import type { DeliveryReport } from '../traffic/round-record.js'

/**
 * The control connection: sender and receiver exchange lines of JSON over TCP. The sender sends requests, the receiver answers
 * `hello` and `start` with `ready`, `stop` with `report`, and a request that it cannot accept with `refused`.
 */
export const CONTROL_VERSION = 3

export const REQUEST_LIMITS: LineLimits = { lineLength: 1024, waitingLines: 2 }

export type ControlRequest = ReturnType<typeof checkRequest>
export type StartRequest = Extract<ControlRequest, { readonly type: 'start' }>

export interface ReceiverDescription {
  readonly mode: string
  readonly batch: number
  readonly gro: boolean
  /** SO_RCVBUF as granted; null if unknown. */
  readonly receiveBufferBytes: number | null
}

export type ReadyAnswer = ReceiverDescription & { readonly type: 'ready' }
export type ReportAnswer = DeliveryReport & { readonly type: 'report' }
type RefusedAnswer = { readonly type: 'refused'; readonly reason: string }
export type ControlAnswer = ReadyAnswer | ReportAnswer | RefusedAnswer

/**
 * Checks a request. `hello` is the first; `start` announces a round, and makes the connection one of the senders.
 *
 * @throws Error that describes what is wrong with it
 */
export function checkRequest(message: unknown) {
  if (typeof message !== 'object' || message === null) throw new Error('a request must be an object')
  const request = message as Readonly<Record<string, unknown>>
  switch (request.type) {
    case 'hello': {
      const { version, token } = request
      if (version !== CONTROL_VERSION) {
        const other = typeof version === 'number' ? version : 'unknown'
        throw new Error(`the sender has version ${other} of the control connection, this receiver ${CONTROL_VERSION}`)
      }
      return { type: 'hello' as const, version: CONTROL_VERSION, ...(typeof token === 'string' ? { token } : {}) }
    }
    case 'start': {
      const { mode } = request
      if (typeof mode !== 'string' || !/^[\x20-\x7e]{1,40}$/.test(mode)) {
        throw new Error('mode must be 1 to 40 printable ASCII characters')
      }
      return {
        type: 'start' as const,
        stream: whole(request.stream, 'stream', 1, 2 ** 32 - 1),
        // Below 16 bytes of payload, datagrams have no header and are only counted.
        sizeBytes: whole(request.sizeBytes, 'sizeBytes', 1, MAX_PAYLOAD_BYTES),
        // For the receiver's own report.
        mode,
        // The receiver closes the connection 60 s after the end of the round.
        seconds: inRange(request.seconds, 'seconds', 0, MAX_ROUND_SECONDS),
        warmUp: request.warmUp === true,
        // Each datagram of the stream is sent back to its source.
        ...(request.echo === true ? { echo: true } : {}),
      }
    }
    case 'stop':
      return { type: 'stop' as const, sent: whole(request.sent, 'sent', 0, Number.MAX_SAFE_INTEGER) }
    default:
      throw new Error('a request must be hello, start or stop')
  }
}

/** Returns whether a sender has the receiver's shared secret. The time does not depend on where two secrets differ. */
export function hasToken(required: string | undefined, given: string | undefined): boolean {
  if (required === undefined) return true
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return given !== undefined && timingSafeEqual(digest(required), digest(given))
}

function whole(value: unknown, name: string, low: number, high: number): number {
  const number = inRange(value, name, low, high)
  if (!Number.isInteger(number)) throw new Error(`${name} is out of range`)
  return number
}

function inRange(value: unknown, name: string, low: number, high: number): number {
  if (typeof value === 'number' && value >= low && value <= high) return value
  throw new Error(`${name} is out of range`)
}

/** A day, the longest round of `send`. */
const MAX_ROUND_SECONDS = 86_400
