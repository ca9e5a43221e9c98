import { MAX_PAYLOAD_BYTES } from '../../traffic/segments.js'
import type { InjectedCost, ProfileCase, ReceiveFunction, SendFunction, Subject, Work } from './work.js'

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

/** Returns the lines of a run. */
export function lineKeys({ hasSplittingSink }: Pick<Subject, 'hasSplittingSink'>): LineKey[] {
  return [
    { mode: 'sendmsg', connected: false },
    { mode: 'sendmsg', connected: true },
    { mode: 'sendmmsg', connected: false },
    { mode: 'sendmmsg', connected: true },
    { mode: 'gso', connected: false },
    ...(hasSplittingSink ? [{ mode: 'gso-split', connected: false } as const] : []),
    { mode: 'recvmsg', connected: false },
    { mode: 'recvmmsg', connected: false },
  ]
}

/** Returns the batch sizes of a line: messages, or segments of a GSO send. */
export function lineBatches(
  { mode }: LineKey,
  { batches, sizeBytes }: Pick<Subject, 'batches' | 'sizeBytes'>,
): number[] {
  if (mode === 'gso' || mode === 'gso-split') {
    const most = Math.min(MAX_SEGMENTS, Math.floor(MAX_PAYLOAD_BYTES / Math.max(1, sizeBytes)))
    // One segment is a plain datagram.
    const sizes = [
      ...(batches.length > FEW ? [] : [2, 4, 16]),
      ...batches.filter((batch) => batch > 1 && batch < most),
      most,
    ]
    return [...new Set(sizes)].sort((one, other) => one - other)
  }
  // A loop of single calls is a line by construction: a few points suffice.
  if (mode === 'sendmsg' || mode === 'recvmsg') {
    return batches.filter((_, index) => batches.length <= FEW || index % 2 === 0)
  }
  return [...batches]
}

export function lineCases(subject: Subject): ProfileCase[] {
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
export function lineWork(
  { mode, connected }: LineKey,
  batch: number,
  sizeBytes: number,
  injected?: InjectedCost,
): Work {
  const isSingle = mode === 'sendmsg' || mode === 'recvmsg'
  const sizes = { batch: isSingle ? 1 : batch, repeat: isSingle ? batch : 1, sizeBytes }
  switch (mode) {
    case 'gso':
    case 'gso-split':
      return { kind: 'gso', segments: batch, sizeBytes, connected }
    case 'recvmsg':
    case 'recvmmsg':
      return { kind: 'receive', depth: 'kernel', function: mode, ...sizes }
    default: {
      const send = { kind: 'send', depth: 'kernel', function: mode, ...sizes, connected } as const
      return injected === undefined ? send : { ...send, injected }
    }
  }
}

const FEW = 6
const MAX_SEGMENTS = 64
