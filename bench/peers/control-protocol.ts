/**
 * What sender and receiver say to each other over TCP, a line of JSON each. The sender asks, the receiver answers:
 * `start` with `ready`, `stop` with `report`, and whatever cannot be served with `refused`.
 */
export const CONTROL_VERSION = 1

/** A round begins. */
export interface StartRequest {
  readonly type: 'start'
  readonly version: number
  readonly stream: number
  /** Bytes of payload of a datagram; too short for a header, the receiver only counts. */
  readonly sizeBytes: number
  /** How they are sent; for the receiver's own report. */
  readonly mode: string
  /** How long it will take, so that the receiver knows when to give the sender up. */
  readonly seconds: number
}

/** A round is over, with so many datagrams sent. */
export interface StopRequest {
  readonly type: 'stop'
  readonly sent: number
}

export type ControlRequest = StartRequest | StopRequest

/** Who receives, and how. */
export interface ReceiverDescription {
  readonly mode: string
  readonly batch: number
  /** Whether it takes trains whole (GRO). */
  readonly gro: boolean
  /** SO_RCVBUF as granted; null where it cannot be told. */
  readonly receiveBufferBytes: number | null
}

export interface ReadyAnswer extends ReceiverDescription {
  readonly type: 'ready'
}

/** What arrived in a round. Counts that need a header are null without one. */
export interface DeliveryReport {
  /** Different datagrams. */
  readonly delivered: number
  /** Sent, and not delivered. */
  readonly lost: number
  readonly bytes: number
  readonly reordered: number | null
  readonly duplicated: number | null
  /** Too late to tell from duplicates; among the lost. */
  readonly outdated: number | null
  readonly jitterMicroseconds: number | null
  /** Datagrams that were longer than the receiver had room for. */
  readonly truncated: number
  /** What the kernel dropped at the receiver's socket for want of room (SO_RXQ_OVFL); null where it cannot be told. */
  readonly kernelDrops: number | null
  /** Calls that brought some of them. */
  readonly receiveCalls: number
  /** Datagrams a call. */
  readonly achievedBatch: number
  /** Of the receiver's whole process. */
  readonly cpu: { readonly userSeconds: number; readonly systemSeconds: number }
}

export interface ReportAnswer extends DeliveryReport {
  readonly type: 'report'
}

export interface RefusedAnswer {
  readonly type: 'refused'
  readonly reason: string
}

export type ControlAnswer = ReadyAnswer | ReportAnswer | RefusedAnswer

/** @throws Error saying what is wrong with the request */
export function checkRequest(message: unknown): ControlRequest {
  const request = message as Partial<StartRequest> & Partial<StopRequest>
  if (typeof request !== 'object' || request === null) throw new Error('a request must be an object')
  const { type, version } = request as { type?: unknown; version?: unknown }
  if (type === 'stop') return { type, sent: count(request.sent, 'sent') }
  if (type !== 'start') throw new Error('a request must be start or stop')
  if (version !== CONTROL_VERSION) {
    throw new Error(`the sender speaks version ${version} of the control channel, this receiver ${CONTROL_VERSION}`)
  }
  return {
    type,
    version,
    stream: count(request.stream, 'stream', 2 ** 32 - 1),
    sizeBytes: count(request.sizeBytes, 'sizeBytes', 65_535),
    mode: String(request.mode).slice(0, 40),
    seconds: count(request.seconds, 'seconds', 1e6),
  }
}

function count(value: unknown, name: string, most = Number.MAX_SAFE_INTEGER): number {
  if (typeof value === 'number' && value >= 0 && value <= most) return value
  throw new Error(`${name} is out of range`)
}
