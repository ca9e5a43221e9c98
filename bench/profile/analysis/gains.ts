import type { Interval } from '../../stats/interval.js'
import type { Lookup, Resampling } from '../../stats/resampling.js'
import { sendId } from '../cases/breakdown-cases.js'
import { lineBatches, lineId, lineKeys } from '../cases/line-cases.js'
import type { Subject } from '../cases/work.js'

/** How much faster one way to send is than another: 0.25 for a quarter more messages in the same time. */
export interface Gain {
  readonly name: 'batching' | 'batching connected' | 'connecting' | 'connecting and batching' | 'gso' | 'gso-split'
  /** In words. */
  readonly label: string
  readonly gain: Interval
}

/** Returns what batching, connecting and GSO gain over `sendmsg` on an unconnected socket. */
export function gains(
  resampling: Resampling,
  subject: Subject,
  attempt: (name: string, work: () => Gain) => Gain[],
): Gain[] {
  const { batch, sizeBytes } = subject
  const single = (connected: boolean) => (of: Lookup) => of(sendId('sendmsg', connected, 'library', 1, sizeBytes))
  const batched = (connected: boolean) => (of: Lookup) =>
    of(sendId('sendmmsg', connected, 'library', batch, sizeBytes)) / batch
  const gain = (name: Gain['name'], label: string, before: (of: Lookup) => number, after: (of: Lookup) => number) =>
    attempt(`the gain of ${label}`, () => {
      return { name, label, gain: resampling.interval((of) => before(of) / after(of) - 1) }
    })
  const gso = lineKeys(subject).filter(({ mode }) => mode === 'gso' || mode === 'gso-split')
  return [
    ...gain('batching', `sendmmsg of ${batch}`, single(false), batched(false)),
    ...gain('batching connected', `sendmmsg of ${batch}, both connected`, single(true), batched(true)),
    ...gain('connecting', 'connecting the socket, sendmsg', single(false), single(true)),
    ...gain('connecting and batching', `connecting the socket, and sendmmsg of ${batch}`, single(false), batched(true)),
    ...gso.flatMap((key) => {
      const segments = lineBatches(key, subject).at(-1) ?? 1
      const isSplit = key.mode === 'gso-split'
      const label = `GSO sends of ${segments}, ${isSplit ? 'split by the kernel' : 'split by the device, or not at all'}`
      const after = (of: Lookup) => of(lineId(key, segments)) / segments
      return gain(isSplit ? 'gso-split' : 'gso', label, single(false), after)
    }),
  ]
}
