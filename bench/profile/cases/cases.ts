import { replicated } from '../../engine/case.js'
import { MAX_PAYLOAD_BYTES } from '../../traffic/modes.js'
import {
  batchOf,
  type CrossingBy,
  type ProfileCase,
  RECEIVE_FUNCTIONS,
  type ReceiveDepth,
  type ReceiveFunction,
  SEND_FUNCTIONS,
  type SendDepth,
  type SendFunction,
  type Subject,
  type Work,
} from './work.js'

export function subjectCases(subject: Subject, encoders: readonly string[]): ProfileCase[] {
  return [...breakdownCases(subject), ...lineCases(subject), ...encoderCases(subject, encoders)]
}

/** Returns powers of two from 1 to 1024, for a quick run every third one, and the breakdown's own batch size. */
export function batchSizes(batch: number, isQuick: boolean): number[] {
  const powers = Array.from({ length: 11 }, (_, exponent) => 2 ** exponent)
  return ascending([...powers.filter((_, exponent) => !isQuick || exponent % 3 === 0), batch])
}

/** Returns the payload sizes that the cost of copying is derived from. */
export function copySizes({ sizeBytes }: Pick<Subject, 'sizeBytes'>): number[] {
  return [...new Set([0, 1, ...[0.25, 0.5, 0.75, 1].map((share) => Math.round(sizeBytes * share))])]
}

export function loopId(batch: number): string {
  return `loop/${batch}`
}

export function sendId(
  name: SendFunction,
  connected: boolean,
  depth: SendDepth,
  batch: number,
  sizeBytes: number,
): string {
  return `send/${name}/${connected ? 'connected' : 'unconnected'}/${depth}/${batchOf(name, batch)}/${sizeBytes}`
}

export function receiveId(name: ReceiveFunction, depth: ReceiveDepth, batch: number, sizeBytes: number): string {
  return `receive/${name}/${depth}/${batchOf(name, batch)}/${sizeBytes}`
}

export function crossingId(by: CrossingBy, name: SendFunction): string {
  return `crossing/${by}/${name}`
}

export function encoderId(encoder: string, batch: number, withCall: boolean): string {
  return `encoder/${encoder}/${withCall ? 'with-call' : 'alone'}/${batch}`
}

function breakdownCases(subject: Subject): ProfileCase[] {
  const { batch } = subject
  const base = { target: 'main', every: 1 } as const
  const loops = [...new Set([1, batch])].map(
    (size): ProfileCase => ({ ...base, id: loopId(size), worker: loopId(size), work: { kind: 'loop', batch: size } }),
  )
  const sends = SEND_FUNCTIONS.flatMap((name) =>
    [false, true].flatMap((connected) =>
      depths<SendDepth>(subject, ['none', 'pretend', 'crossing', 'entry', 'probe'], (depth, sizeBytes) => ({
        ...base,
        id: sendId(name, connected, depth, batch, sizeBytes),
        worker: `send/${name}/${connected}/${depth}`,
        work: { kind: 'send', depth, function: name, batch: batchOf(name, batch), repeat: 1, sizeBytes, connected },
      })),
    ),
  )
  const receives = RECEIVE_FUNCTIONS.flatMap((name) =>
    depths<ReceiveDepth>(subject, ['none', 'pretend', 'crossing', 'entry'], (depth, sizeBytes) => ({
      ...base,
      id: receiveId(name, depth, batch, sizeBytes),
      worker: `receive/${name}/${depth}`,
      work: { kind: 'receive', depth, function: name, batch: batchOf(name, batch), repeat: 1, sizeBytes },
    })),
  )
  const crossings = (['javascript', 'koffi', 'node:ffi'] as const).flatMap((by) =>
    SEND_FUNCTIONS.map((name): ProfileCase => {
      const id = crossingId(by, name)
      const flags = by === 'node:ffi' ? { nodeFlags: FFI_FLAGS } : {}
      return { ...base, ...flags, id, worker: id, work: { kind: 'crossing', by, function: name } }
    }),
  )
  return [...loops, ...sends, ...receives, ...crossings]
}

/** The cases of one function: the depths above the kernel, all payload sizes into the kernel, and the library. */
function depths<Depth extends SendDepth>(
  subject: Subject,
  shallow: readonly Depth[],
  make: (depth: Depth, sizeBytes: number) => ProfileCase,
): ProfileCase[] {
  const { sizeBytes, replicas } = subject
  const kernel = copySizes(subject).map((size) => make('kernel' as Depth, size))
  return [
    ...shallow.map((depth) => make(depth, depth === 'probe' ? 0 : sizeBytes)),
    ...replicated(replicas, [...kernel, make('library' as Depth, sizeBytes)]),
  ]
}

/** A way to send or receive, whose cost over the batch size is a line, and whether the socket is connected. */
export interface LineKey {
  readonly mode: SendFunction | ReceiveFunction | 'gso' | 'gso-split'
  readonly connected: boolean
}

export function lineName({ mode, connected }: LineKey): string {
  return connected ? `${mode} connected` : mode
}

export function lineId(key: LineKey, batch: number): string {
  return `line/${lineName(key).replace(' ', '-')}/${batch}`
}

export function lineKeys({ hasSplittingSink }: Pick<Subject, 'hasSplittingSink'>): LineKey[] {
  const gso = hasSplittingSink ? (['gso', 'gso-split'] as const) : (['gso'] as const)
  return [
    ...SEND_FUNCTIONS.flatMap((mode) => [false, true].map((connected) => ({ mode, connected }))),
    ...[...gso, ...RECEIVE_FUNCTIONS].map((mode) => ({ mode, connected: false })),
  ]
}

/** Returns the batch sizes of a line: messages, or segments of a GSO send. */
export function lineBatches(
  { mode }: LineKey,
  { batches, sizeBytes }: Pick<Subject, 'batches' | 'sizeBytes'>,
): number[] {
  const isFew = batches.length <= 6
  if (mode === 'gso' || mode === 'gso-split') {
    const most = Math.min(MAX_SEGMENTS, Math.floor(MAX_PAYLOAD_BYTES / Math.max(1, sizeBytes)))
    // One segment is a plain datagram.
    return ascending([...(isFew ? [2, 4, 16] : []), ...batches.filter((batch) => batch > 1 && batch < most), most])
  }
  // A loop of single calls is a line by construction: a few points suffice.
  const isLoop = mode === 'sendmsg' || mode === 'recvmsg'
  return batches.filter((_, index) => !isLoop || isFew || index % 2 === 0)
}

function lineCases(subject: Subject): ProfileCase[] {
  return lineKeys(subject).flatMap((key) =>
    lineBatches(key, subject).map(
      (batch): ProfileCase => ({
        id: lineId(key, batch),
        worker: `line/${lineName(key)}`,
        target: key.mode === 'gso-split' ? 'splitting' : 'main',
        work: lineWork(key, batch, subject.sizeBytes),
        every: 1,
      }),
    ),
  )
}

/** Returns the work of a point: by the system call itself, because the library would send one message with `sendmsg`. */
export function lineWork({ mode, connected }: LineKey, batch: number, sizeBytes: number): Work {
  if (mode === 'gso' || mode === 'gso-split') return { kind: 'gso', segments: batch, sizeBytes, connected }
  const each = batchOf(mode, batch)
  const sizes = { depth: 'kernel', batch: each, repeat: batch / each, sizeBytes } as const
  if (mode === 'recvmsg' || mode === 'recvmmsg') return { kind: 'receive', function: mode, ...sizes }
  return { kind: 'send', function: mode, ...sizes, connected }
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
          target: 'main',
          work: { kind: 'encode', encoder, batch, sizeBytes, withCall },
          every: batch === own ? 1 : SELDOM,
        }),
      ),
    ),
  )
}

function ascending(sizes: readonly number[]): number[] {
  return [...new Set(sizes)].sort((one, other) => one - other)
}

const MAX_SEGMENTS = 64
/** The other batch sizes only show the trend. */
const SELDOM = 3
// Node 26 requires it, later versions do not, and earlier ones reject it.
const FFI_FLAGS = ['--experimental-ffi'].filter((flag) => process.allowedNodeEnvironmentFlags.has(flag))
