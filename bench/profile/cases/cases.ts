import { type Case, replicated } from '../../engine/rounds.js'
import { MAX_PAYLOAD_BYTES } from '../../traffic/modes.js'

export type SendFunction = 'sendmsg' | 'sendmmsg'

/** A way to send or receive: the system call, and whether the socket is connected. */
export interface Way {
  readonly mode: SendFunction | 'recvmsg' | 'recvmmsg'
  readonly connected: boolean
}

export const SEND_FUNCTIONS: readonly SendFunction[] = ['sendmsg', 'sendmmsg']
export const SEND_WAYS: readonly Way[] = SEND_FUNCTIONS.flatMap((mode) =>
  [false, true].map((connected) => ({ mode, connected })),
)
export const RECEIVE_WAYS: readonly Way[] = [
  { mode: 'recvmsg', connected: false },
  { mode: 'recvmmsg', connected: false },
]

/**
 * How far a call goes. Each depth includes those before it.
 *
 * - `none`: the batch is filled, nothing is called.
 * - `pretend`: the library's path to the system call, with a JavaScript function in place of the call.
 * - `crossing`: through Koffi into a C function of the same signature that does not enter the kernel.
 * - `entry`: `sendmmsg` or `recvmmsg` for no messages, which returns at once.
 * - `probe`: MSG_CONFIRM | MSG_PROBE: the kernel reads the headers and looks up the route, and sends nothing. Sends only.
 * - `kernel`: the real call, by the function that the case names, even for one message.
 * - `library`: `BatchConn.send` or `BatchConn.recv` as users call it.
 */
export type Depth = 'none' | 'pretend' | 'crossing' | 'entry' | 'probe' | 'kernel' | 'library'

/** What one operation of a case does. Plain data, for the worker process. */
export type Work =
  // Makes the call `repeat` times, each time for `batch` messages.
  | (Way & Readonly<{ kind: 'call'; depth: Depth; batch: number; repeat: number; sizeBytes: number }>)
  // Prepares a batch, with the system call or alone.
  | Readonly<{ kind: 'encode'; encoder: string; batch: number; sizeBytes: number; withCall: boolean }>
  | Readonly<{ kind: 'loop'; batch: number }>
  | Readonly<{ kind: 'gso'; segments: number; sizeBytes: number; isSplit: boolean }>
  // Into JavaScript, or by an FFI into C.
  | Readonly<{ kind: 'crossing'; by: (typeof CROSSINGS)[number]; mode: SendFunction }>
export type WorkOf<Kind extends Work['kind']> = Extract<Work, { readonly kind: Kind }>
export type ProfileCase = Case<Work>

export interface Subject {
  /** Messages per batch in the cost breakdown. */
  readonly batch: number
  readonly sizeBytes: number
  /** Batch sizes of the lines and encoders. */
  readonly batches: readonly number[]
  readonly hasSplittingSink: boolean
  /**
   * Number of processes in which the whole send, and what it is compared with, are measured. The location of its memory makes up
   * to one percent of difference between processes.
   */
  readonly replicas: number
}

export function subjectCases(subject: Subject, encoders: readonly string[]): ProfileCase[] {
  // A case with a worker of its own.
  const single = (id: string, work: Work): ProfileCase => ({ id, worker: id, work })
  return [
    ...[...new Set([1, subject.batch])].map((batch) => single(loopId(batch), { kind: 'loop', batch })),
    ...[...SEND_WAYS, ...RECEIVE_WAYS].flatMap((way) => callCases(subject, way)),
    ...CROSSINGS.flatMap((by) =>
      SEND_FUNCTIONS.map((mode) => single(crossingId(by, mode), { kind: 'crossing', by, mode })),
    ),
    ...lineKeys(subject).flatMap((key) =>
      lineBatches(key, subject).map((batch) => lineCase(key, batch, subject.sizeBytes)),
    ),
    ...encoderCases(subject, encoders),
  ]
}

/** Returns powers of two from 1 to 1024, for a quick run every third one, and the breakdown's own batch size. */
export function batchSizes(batch: number, isQuick: boolean): number[] {
  const powers = Array.from({ length: 11 }, (_, exponent) => 2 ** exponent)
  return ascending([...powers.filter((_, exponent) => !isQuick || exponent % 3 === 0), batch])
}

/** Returns the payload sizes that the cost of copying is derived from. */
export function copySizes({ sizeBytes }: Subject): number[] {
  return [...new Set([0, 1, ...[0.25, 0.5, 0.75, 1].map((share) => Math.round(sizeBytes * share))])]
}

/** Returns how many messages one call of a function has. */
export function batchOf(mode: Way['mode'], batch: number): number {
  return isSingle(mode) ? 1 : batch
}

function isSingle(mode: LineKey['mode']): boolean {
  return mode === 'sendmsg' || mode === 'recvmsg'
}

export function loopId(batch: number): string {
  return `loop/${batch}`
}

export function callId(way: Way, depth: Depth, { batch, sizeBytes }: Pick<Subject, 'batch' | 'sizeBytes'>): string {
  return `${callWorker(way, depth)}/${batchOf(way.mode, batch)}/${sizeBytes}`
}

function callWorker({ mode, connected }: Way, depth: Depth): string {
  if (mode === 'recvmsg' || mode === 'recvmmsg') return `receive/${mode}/${depth}`
  return `send/${mode}/${connected ? 'connected' : 'unconnected'}/${depth}`
}

export function crossingId(by: string, mode: SendFunction): string {
  return `crossing/${by}/${mode}`
}

export function encoderId(encoder: string, batch: number, withCall: boolean): string {
  return `encoder/${encoder}/${withCall ? 'with-call' : 'alone'}/${batch}`
}

/** The cases of one way: the depths above the kernel, all payload sizes into the kernel, and the library. */
function callCases(subject: Subject, way: Way): ProfileCase[] {
  const batch = batchOf(way.mode, subject.batch)
  const make = (depth: Depth, sizeBytes = subject.sizeBytes): ProfileCase => ({
    id: callId(way, depth, { batch, sizeBytes }),
    worker: callWorker(way, depth),
    work: { kind: 'call', ...way, depth, batch, repeat: 1, sizeBytes },
  })
  const kernel = copySizes(subject).map((sizeBytes) => make('kernel', sizeBytes))
  return [
    ...(['none', 'pretend', 'crossing', 'entry'] as const).map((depth) => make(depth)),
    ...(RECEIVE_WAYS.includes(way) ? [] : [make('probe', 0)]),
    ...replicated(subject.replicas, [...kernel, make('library')]),
  ]
}

/** What has a line of its cost over the batch size: a way to send or receive, or GSO. */
export interface LineKey {
  readonly mode: Way['mode'] | 'gso' | 'gso-split'
  readonly connected: boolean
}

export function lineName({ mode, connected }: LineKey): string {
  return connected ? `${mode} connected` : mode
}

export function lineId(key: LineKey, batch: number): string {
  return `line/${lineName(key).replace(' ', '-')}/${batch}`
}

export function lineKeys({ hasSplittingSink }: Subject): LineKey[] {
  const gso = hasSplittingSink ? (['gso', 'gso-split'] as const) : (['gso'] as const)
  return [...SEND_WAYS, ...gso.map((mode) => ({ mode, connected: false })), ...RECEIVE_WAYS]
}

/** Returns the batch sizes of a line: messages, or segments of a GSO send. */
export function lineBatches({ mode }: LineKey, { batches, sizeBytes }: Subject): number[] {
  const isFew = batches.length <= 6
  if (mode === 'gso' || mode === 'gso-split') {
    const most = Math.min(MAX_SEGMENTS, Math.floor(MAX_PAYLOAD_BYTES / Math.max(1, sizeBytes)))
    // One segment is a plain datagram.
    return ascending([...(isFew ? [2, 4, 16] : []), ...batches.filter((batch) => batch > 1 && batch < most), most])
  }
  // A loop of single calls is a line by construction: a few points suffice.
  return batches.filter((_, index) => !isSingle(mode) || isFew || index % 2 === 0)
}

/** A point of a line: the system call itself, because the library would send one message with `sendmsg`. */
export function lineCase({ mode, connected }: LineKey, batch: number, sizeBytes: number): ProfileCase {
  const names = { id: lineId({ mode, connected }, batch), worker: `line/${lineName({ mode, connected })}` }
  if (mode === 'gso' || mode === 'gso-split') {
    return { ...names, work: { kind: 'gso', segments: batch, sizeBytes, isSplit: mode === 'gso-split' } }
  }
  const each = batchOf(mode, batch)
  const call = { mode, connected, depth: 'kernel', batch: each, repeat: batch / each, sizeBytes } as const
  return { ...names, work: { kind: 'call', ...call } }
}

/**
 * Returns each encoder with each batch size, alone and with the system call. V8 compiles for the batch sizes that it has seen:
 * in a process with several, the library's encoder takes 10 ns per message instead of 6. So the breakdown's batch size has
 * processes of its own, and the others share one.
 */
function encoderCases({ batch: own, batches, sizeBytes }: Subject, encoders: readonly string[]): ProfileCase[] {
  return encoders.flatMap((encoder) =>
    [false, true].flatMap((withCall) =>
      batches.map(
        (batch): ProfileCase => ({
          id: encoderId(encoder, batch, withCall),
          worker: `encoder/${encoder}/${batch === own ? `${batch}/${withCall}` : 'others'}`,
          work: { kind: 'encode', encoder, batch, sizeBytes, withCall },
          // The other batch sizes only show the trend.
          every: batch === own ? 1 : 3,
        }),
      ),
    ),
  )
}

function ascending(sizes: readonly number[]): number[] {
  return [...new Set(sizes)].sort((one, other) => one - other)
}

const MAX_SEGMENTS = 64
const CROSSINGS = ['javascript', 'koffi', 'node:ffi'] as const
