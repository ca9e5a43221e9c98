import type { Work } from '../work/work.js'

/** One thing that is timed. */
export interface Case {
  /** Names it in the JSON: `send/sendmmsg/connected/kernel/64/1400`. */
  readonly id: string
  /** The worker that does it. Cases of one worker run the same code, on batches or payloads of another size. */
  readonly worker: string
  readonly place: 'main' | 'cutting'
  readonly work: Work
  /** In every round, or in each second, third …: strategies need less precision than the ladder. */
  readonly every: number
  /** Flags its worker's node needs. */
  readonly nodeFlags?: readonly string[]
}

/** What is to be measured, as the user said. */
export interface Subject {
  /** Messages of a batch in the ladder. */
  readonly batch: number
  /** Bytes of a payload. */
  readonly sizeBytes: number
  /** The batch sizes of the lines and of the strategies. */
  readonly batches: readonly number[]
  readonly hasCuttingSink: boolean
  /**
   * In how many processes the whole send and what it is held against are measured. Where a process has its memory makes
   * a percent of difference, which only several processes show.
   */
  readonly replicas: number
}

export type SendFunction = 'sendmsg' | 'sendmmsg'
export type ReceiveFunction = 'recvmsg' | 'recvmmsg'
export const SEND_FUNCTIONS: readonly SendFunction[] = ['sendmsg', 'sendmmsg']
export const RECEIVE_FUNCTIONS: readonly ReceiveFunction[] = ['recvmsg', 'recvmmsg']

/** How many messages a call of this function takes. */
export function batchOf(name: SendFunction | ReceiveFunction, batch: number): number {
  return name === 'sendmsg' || name === 'recvmsg' ? 1 : batch
}
