import { createHash, timingSafeEqual } from 'node:crypto'
import type { LineLimits } from '../children/json-lines.js'
import type { DeliveryReport } from '../traffic/round-record.js'
import { MAX_PAYLOAD_BYTES } from '../traffic/segments.js'

/**
 * The control connection: sender and receiver exchange lines of JSON over TCP. The sender sends requests, the receiver answers
 * `hello` and `start` with `ready`, `stop` with `report`, and a request that it cannot accept with `refused`.
 */
export const CONTROL_VERSION = 2

/** Limits of a request's lines. */
export const REQUEST_LIMITS: LineLimits = { lineLength: 1024, waitingLines: 2 }

/** The first request. It does not reserve the receiver. */
export interface HelloRequest {
  readonly type: 'hello'
  readonly version: number
  /** Shared secret, if the receiver requires one. */
  readonly token?: string
}

/** Announces a round, and reserves the receiver for this connection. */
export interface StartRequest {
  readonly type: 'start'
  readonly stream: number
  /** Bytes of payload per datagram; below 16 the receiver only counts. */
  readonly sizeBytes: number
  /** How they are sent, for the receiver's own report: up to 40 printable ASCII characters. */
  readonly mode: string
  /** Duration of the round; the receiver closes the connection 60 s after its end. */
  readonly seconds: number
  /** A warm-up, which the receiver leaves out of its report. */
  readonly warmUp: boolean
}

/** Ends a round. */
export interface StopRequest {
  readonly type: 'stop'
  /** Number of datagrams sent. */
  readonly sent: number
}

export type ControlRequest = HelloRequest | StartRequest | StopRequest

/** How the receiver receives. */
export interface ReceiverDescription {
  readonly mode: string
  readonly batch: number
  /** Whether it receives coalesced datagrams (GRO). */
  readonly gro: boolean
  /** SO_RCVBUF as granted; null if unknown. */
  readonly receiveBufferBytes: number | null
}

export type ReadyAnswer = ReceiverDescription & { readonly type: 'ready' }
export type ReportAnswer = DeliveryReport & { readonly type: 'report' }
export interface RefusedAnswer {
  readonly type: 'refused'
  readonly reason: string
}
export type ControlAnswer = ReadyAnswer | ReportAnswer | RefusedAnswer

/** Checks a request. @throws Error that describes what is wrong with it */
export function checkRequest(message: unknown): ControlRequest {
  if (typeof message !== 'object' || message === null) throw new Error('a request must be an object')
  const request = message as Readonly<Record<string, unknown>>
  switch (request.type) {
    case 'hello': {
      const { version, token } = request
      if (version !== CONTROL_VERSION) {
        const other = typeof version === 'number' ? version : 'unknown'
        throw new Error(`the sender has version ${other} of the control connection, this receiver ${CONTROL_VERSION}`)
      }
      return { type: 'hello', version, ...(typeof token === 'string' ? { token } : {}) }
    }
    case 'start': {
      const { mode } = request
      if (typeof mode !== 'string' || !/^[\x20-\x7e]{1,40}$/.test(mode)) {
        throw new Error('mode must be 1 to 40 printable ASCII characters')
      }
      return {
        type: 'start',
        stream: whole(request.stream, 'stream', 1, 2 ** 32 - 1),
        sizeBytes: whole(request.sizeBytes, 'sizeBytes', 1, MAX_PAYLOAD_BYTES),
        mode,
        seconds: inRange(request.seconds, 'seconds', 0, MAX_ROUND_SECONDS),
        warmUp: request.warmUp === true,
      }
    }
    case 'stop':
      return { type: 'stop', sent: whole(request.sent, 'sent', 0, Number.MAX_SAFE_INTEGER) }
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
