import type { Planted } from '../work/work.js'
import type { Case, ReceiveFunction, SendFunction, Subject } from './case.js'

/** The ways whose cost over batch size is a line. */
export const LINE_MODES = ['sendmsg', 'sendmmsg', 'gso', 'gso-cut', 'recvmsg', 'recvmmsg'] as const
export type LineMode = (typeof LINE_MODES)[number]

/** One line: a way of sending or receiving, and whether the socket is connected. */
export interface LineKey {
  readonly mode: LineMode
  readonly connected: boolean
}

export function lineName({ mode, connected }: LineKey): string {
  return connected ? `${mode} connected` : mode
}

/** The lines of a run. */
export function lineKeys({ hasCuttingSink }: Pick<Subject, 'hasCuttingSink'>): LineKey[] {
  return [
    { mode: 'sendmsg', connected: false },
    { mode: 'sendmsg', connected: true },
    { mode: 'sendmmsg', connected: false },
    { mode: 'sendmmsg', connected: true },
    { mode: 'gso', connected: false },
    ...(hasCuttingSink ? [{ mode: 'gso-cut', connected: false } as const] : []),
    { mode: 'recvmsg', connected: false },
    { mode: 'recvmmsg', connected: false },
  ]
}

/** The batch sizes of one line: how many messages, or segments of a train, at a time. */
export function lineBatches(
  { mode }: LineKey,
  { batches, sizeBytes }: Pick<Subject, 'batches' | 'sizeBytes'>,
): number[] {
  if (mode === 'gso' || mode === 'gso-cut') {
    const most = Math.min(MOST_SEGMENTS, Math.floor(MOST_TRAIN_BYTES / Math.max(1, sizeBytes)))
    // A train of one is a plain datagram.
    return [
      ...new Set([
        ...(batches.length > FEW ? [] : [2, 4, 16]),
        ...batches.filter((batch) => batch > 1 && batch < most),
        most,
      ]),
    ].sort((one, other) => one - other)
  }
  // A loop of single calls is a line by its making: a few points show it.
  if (mode === 'sendmsg' || mode === 'recvmsg')
    return batches.filter((_, index) => batches.length <= FEW || index % 2 === 0)
  return [...batches]
}

export function lineId(key: LineKey, batch: number): string {
  return `line/${lineName(key).replace(' ', '-')}/${batch}`
}

export function lineCases(subject: Subject): Case[] {
  return lineKeys(subject).flatMap((key) =>
    lineBatches(key, subject).map(
      (batch): Case => ({
        id: lineId(key, batch),
        worker: `line/${lineName(key)}`,
        place: key.mode === 'gso-cut' ? 'cutting' : 'main',
        work: lineWork(key, batch, subject.sizeBytes),
        every: 1,
      }),
    ),
  )
}

/** The work behind a point of a line. Through the kernel call itself: the library would send one message by `sendmsg`. */
export function lineWork(
  { mode, connected }: LineKey,
  batch: number,
  sizeBytes: number,
  planted?: Planted,
): Case['work'] {
  const isSingle = mode === 'sendmsg' || mode === 'recvmsg'
  const sizes = { batch: isSingle ? 1 : batch, repeat: isSingle ? batch : 1, sizeBytes }
  if (mode === 'gso' || mode === 'gso-cut') return { kind: 'train', segments: batch, sizeBytes, connected }
  if (mode === 'recvmsg' || mode === 'recvmmsg') {
    return { kind: 'receive', call: 'kernel', function: mode as ReceiveFunction, ...sizes }
  }
  const send = { kind: 'send', call: 'kernel', function: mode as SendFunction, ...sizes, connected } as const
  return planted === undefined ? send : { ...send, planted }
}

const FEW = 6
const MOST_SEGMENTS = 64
const MOST_TRAIN_BYTES = 65_507
