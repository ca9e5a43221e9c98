import type { Subject } from '../plan/case.js'
import { sendId } from '../plan/ladder-cases.js'
import { type LineKey, lineBatches, lineId, lineKeys } from '../plan/line-cases.js'
import type { Interval } from '../statistics/interval.js'
import type { Lookup, Resampling } from '../statistics/resampling.js'

/** How much faster one way of sending is than another: 0.25 for a quarter more messages in the same time. */
export interface Gain {
  readonly name: 'batching' | 'batching connected' | 'connecting' | 'connecting and batching' | 'gso' | 'gso-cut'
  /** In words. */
  readonly label: string
  readonly gain: Interval
}

/** What batching, connecting and trains gain over `sendmsg` to a named destination. */
export function gains(resampling: Resampling, subject: Subject): Gain[] {
  const { batch, sizeBytes } = subject
  const single = (connected: boolean) => (of: Lookup) => of(sendId('sendmsg', connected, 'library', 1, sizeBytes))
  const batched = (connected: boolean) => (of: Lookup) =>
    of(sendId('sendmmsg', connected, 'library', batch, sizeBytes)) / batch
  const gain = (before: (of: Lookup) => number, after: (of: Lookup) => number) =>
    resampling.interval((of) => before(of) / after(of) - 1)
  const trains = lineKeys(subject).filter(({ mode }) => mode === 'gso' || mode === 'gso-cut')
  return [
    { name: 'batching', label: `sendmmsg of ${batch}`, gain: gain(single(false), batched(false)) },
    {
      name: 'batching connected',
      label: `sendmmsg of ${batch}, where both are connected`,
      gain: gain(single(true), batched(true)),
    },
    { name: 'connecting', label: 'connecting the socket, sendmsg', gain: gain(single(false), single(true)) },
    {
      name: 'connecting and batching',
      label: `connecting the socket, and sendmmsg of ${batch}`,
      gain: gain(single(false), batched(true)),
    },
    ...trains.flatMap((key) => trainGain(resampling, subject, key, single(false))),
  ]
}

function trainGain(resampling: Resampling, subject: Subject, key: LineKey, before: (of: Lookup) => number): Gain[] {
  const segments = lineBatches(key, subject).at(-1) ?? 1
  const id = lineId(key, segments)
  if (!resampling.has(id)) return []
  const isCut = key.mode === 'gso-cut'
  return [
    {
      name: isCut ? 'gso-cut' : 'gso',
      label: `trains of ${segments} (GSO), ${isCut ? 'cut by the kernel' : 'cut by the device, or not at all'}`,
      gain: resampling.interval((of) => before(of) / (of(id) / segments) - 1),
    },
  ]
}
