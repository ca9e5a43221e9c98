import { createHash, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import type { Endpoint } from '../../src/index.js'
import { jsonLines, type LineLimits } from '../children/mailbox.js'
import { commandLine, Failure, timeLimit } from '../cli/run-command.js'
import { MAX_PAYLOAD_BYTES } from '../traffic/modes.js'
import type { DeliveryReport } from '../traffic/round-record.js'

/**
 * The control connection: sender and receiver exchange lines of JSON over TCP. The sender sends requests, the receiver answers
 * `hello` and `start` with `ready`, `stop` with `report`, and a request that it cannot accept with `refused`.
 */
export const CONTROL_VERSION = 3

export const REQUEST_LIMITS: LineLimits = { lineLength: 1024, waitingLines: 2 }

type ControlRequest = ReturnType<typeof checkRequest>
export type StartRequest = Extract<ControlRequest, { readonly type: 'start' }>

/** `receiveBufferBytes` is SO_RCVBUF as granted; null if unknown. */
export type ReceiverDescription = Readonly<{
  mode: string
  batch: number
  gro: boolean
  receiveBufferBytes: number | null
}>

type ReadyAnswer = ReceiverDescription & { readonly type: 'ready' }
type ReportAnswer = DeliveryReport & { readonly type: 'report' }
export type ControlAnswer = ReadyAnswer | ReportAnswer | { readonly type: 'refused'; readonly reason: string }

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
        stream: inRange(request.stream, 'stream', 1, 2 ** 32 - 1),
        // Below 16 bytes of payload, datagrams have no header and are only counted.
        sizeBytes: inRange(request.sizeBytes, 'sizeBytes', 1, MAX_PAYLOAD_BYTES),
        // For the receiver's own report.
        mode,
        // The receiver closes the connection 60 s after the end of the round.
        seconds: inRange(request.seconds, 'seconds', 0, MAX_ROUND_SECONDS, false),
        warmUp: request.warmUp === true,
        // Each datagram of the stream is sent back to its source.
        ...(request.echo === true ? { echo: true } : {}),
      }
    }
    case 'stop':
      return { type: 'stop' as const, sent: inRange(request.sent, 'sent', 0, Number.MAX_SAFE_INTEGER) }
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

function inRange(value: unknown, name: string, low: number, high: number, isWhole = true): number {
  if (typeof value === 'number' && value >= low && value <= high && (!isWhole || Number.isInteger(value))) return value
  throw new Error(`${name} is out of range`)
}

/** A day, the longest round of `send`. */
const MAX_ROUND_SECONDS = 86_400

/** The sender's end of the connection. */
export type ControlClient = Awaited<ReturnType<typeof connectControl>>

/** Connects to a receiver. @throws Failure if there is none, or if it requires another token */
export async function connectControl(receiver: Endpoint, signal: AbortSignal, token?: string) {
  const socket = connect({ host: receiver.address, port: receiver.port, noDelay: true })
  try {
    await once(socket, 'connect', { signal: AbortSignal.any([signal, timeLimit(CONNECT_TIMEOUT_MS)]) })
  } catch (error) {
    socket.destroy()
    signal.throwIfAborted()
    throw unreachable(receiver, error)
  }
  // It may close while nothing is read from it; the next request reports that.
  socket.on('error', () => {})
  const lines = jsonLines(socket)
  const request = async <T extends ControlAnswer>(request: ControlRequest, type: T['type']): Promise<T> => {
    let answer: ControlAnswer | undefined
    socket.write(`${JSON.stringify(request)}\n`)
    try {
      answer = (await lines.next(ANSWER_TIMEOUT_MS, signal)) as ControlAnswer
    } catch (error) {
      signal.throwIfAborted()
      // What is not JSON is an answer, too.
      if (!(error instanceof SyntaxError))
        throw new Failure(`lost the receiver at ${receiver}: ${(error as Error).message}`)
    }
    if (answer?.type === type) return answer as T
    if (answer?.type !== 'refused') throw new Failure(`the service at ${receiver} is not a batchconn receiver`)
    const reason = String(answer.reason).replace(/[^\x20-\x7e]/g, '?')
    throw new Failure(`the receiver at ${receiver} refuses: ${reason.slice(0, 200)}`)
  }
  const ready = async (round: ControlRequest): Promise<ReceiverDescription> => {
    const { mode, batch, gro, receiveBufferBytes } = await request<ReadyAnswer>(round, 'ready')
    return { mode, batch, gro: gro === true, receiveBufferBytes }
  }
  try {
    let description = await ready({
      type: 'hello',
      version: CONTROL_VERSION,
      ...(token === undefined ? {} : { token }),
    })
    return {
      get description() {
        return description
      },
      /** Begins a round. The receiver is ready when this settles. */
      async start(round: Omit<StartRequest, 'type'>): Promise<void> {
        description = await ready({ type: 'start', ...round })
      },
      /** Ends a round. Settles when all datagrams have arrived, or none arrives any more. */
      async stop(sent: number): Promise<DeliveryReport> {
        const { type: _, ...report } = await request<ReportAnswer>({ type: 'stop', sent }, 'report')
        return report
      },
      /** Closes the connection. A round that has not ended is abandoned. */
      close: () => void socket.destroy(),
    }
  } catch (error) {
    socket.destroy()
    throw error
  }
}

function unreachable(receiver: Endpoint, error: unknown): Failure {
  const { code, name } = error as NodeJS.ErrnoException
  const reason = code === 'ECONNREFUSED' ? 'connection refused' : name === 'AbortError' ? 'no answer' : code
  const advice = `start ${commandLine('recv')} there, or send without a receiver: --no-control`
  return new Failure(`there is no receiver at ${receiver} (${reason}); ${advice}`)
}

const CONNECT_TIMEOUT_MS = 5_000
/** The receiver waits for late datagrams before it reports. */
const ANSWER_TIMEOUT_MS = 15_000
