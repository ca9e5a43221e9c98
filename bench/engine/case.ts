import type { Column } from '../stats/resampling.js'
import type { Sample } from './sample.js'

/** Something that is measured. `Work` describes it as plain data, so that it can be sent to a worker process. */
export interface Case<Work> {
  /** Name in the JSON document: `send/sendmmsg/connected/kernel/64/1400`. */
  readonly id: string
  /** Number of the process, from 1 on, if the same is measured in several processes. */
  readonly replica?: number
  /** The worker process. Cases of one worker run the same code, with batches or payloads of other sizes. */
  readonly worker: string
  readonly work: Work
  /** Measured in each second, third … round. Default: 1, in every round. */
  readonly every?: number
}

export interface Series<Work> {
  readonly case: Case<Work>
  readonly samples: RoundSample[]
}

/** A sample and the round that it belongs to, from 0 on. */
export interface RoundSample extends Sample {
  readonly round: number
}

export interface Unmeasured {
  readonly id: string
  readonly reason: string
}

/** Measures: worker processes, or in tests a model of a machine. */
export interface Executor<Work> {
  /** Takes a sample of `operations` operations, after `warmOperations` that are not measured. @throws Error if it cannot */
  sample(one: Case<Work>, operations: number, warmOperations: number): Promise<Sample>
}

/** Returns the key of a case that distinguishes its replicas: `id#2`. */
export function keyOf({ id, replica }: Pick<Case<unknown>, 'id' | 'replica'>): string {
  return replica === undefined ? id : `${id}#${replica}`
}

/** Returns the same cases for several processes each. */
export function replicated<Work>(count: number, cases: readonly Case<Work>[]): Case<Work>[] {
  return cases.flatMap((one) =>
    Array.from({ length: count }, (_, index) => ({ ...one, replica: index + 1, worker: `${one.worker}#${index + 1}` })),
  )
}

/** True for a sample without interruption or missing messages. */
export function isClean({ interrupted, shortMessages }: Sample): boolean {
  return !interrupted && shortMessages === 0
}

/**
 * Returns the sample that counts for a round: a clean one, or else the shortest interrupted one, because an interruption leaves
 * cold caches.
 */
export function representative(samples: readonly RoundSample[]): RoundSample | undefined {
  const complete = samples.filter(({ shortMessages }) => shortMessages === 0)
  const [shortest] = [...complete].sort((one, other) => one.nanoseconds - other.nanoseconds)
  return complete.find(isClean) ?? shortest
}

/**
 * Returns the value of each case in each round, for one operation; undefined where nothing counts. Replicas of a case have one
 * id. Rounds that were slower for all cases are not corrected: the result would look more certain than it is.
 */
export function columns(series: readonly Series<unknown>[], rounds: number): Map<string, Column[]> {
  const found = new Map<string, Column[]>()
  for (const { case: one, samples } of series) {
    const byRound = Array.from({ length: rounds }, (): RoundSample[] => [])
    for (const sample of samples) byRound[sample.round]?.push(sample)
    const column = byRound.map((some) => representative(some)?.nanoseconds)
    found.set(one.id, [...(found.get(one.id) ?? []), column])
  }
  return found
}
