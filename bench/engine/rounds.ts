import { type Random, seededRandom, shuffled } from '../stats/random.js'
import type { Column } from '../stats/resampling.js'
import type { Sample } from './sample.js'

interface RoundsPlan<T> {
  /** The items of a round; the first round is 1. */
  readonly itemsOf: (round: number) => readonly T[]
  /** Called before each round with the number of complete rounds. */
  readonly isOver: (rounds: number) => boolean
  readonly random: Random
  readonly signal: AbortSignal
}

/**
 * Runs rounds: each runs every item once, in random order, so that slow drift affects all items equally. An error ends the
 * rounds; it is returned, so that what was measured before is not lost.
 *
 * @returns the number of complete rounds, and what ended them early: the signal's reason or an error
 */
export async function interleave<T>(
  { itemsOf, isOver, random, signal }: RoundsPlan<T>,
  run: (item: T, round: number) => Promise<void>,
): Promise<{ readonly rounds: number; readonly error: unknown }> {
  let rounds = 0
  try {
    for (; !isOver(rounds); rounds += 1) {
      for (const item of shuffled(itemsOf(rounds + 1), random)) {
        signal.throwIfAborted()
        await run(item, rounds + 1)
      }
    }
    return { rounds, error: undefined }
  } catch (error) {
    return { rounds, error: signal.aborted ? signal.reason : error }
  }
}

interface SeriesPlan {
  readonly rounds: number
  /** Without seconds there is no warm-up. */
  readonly omitSeconds: number
  readonly seed: number
}

/**
 * Runs each item once to warm up, as round 0, and then in a number of rounds.
 *
 * @returns the results of the rounds, and what `interleave` returns
 * @throws what ended it, if that happens before the first result
 */
export async function measureEach<T, R>(
  items: readonly T[],
  { rounds, omitSeconds, seed }: SeriesPlan,
  signal: AbortSignal,
  run: (item: T, round: number) => Promise<R>,
) {
  if (omitSeconds > 0) for (const item of items) await run(item, 0)
  const records: R[] = []
  const plan = { itemsOf: () => items, isOver: (done: number) => done === rounds, random: seededRandom(seed), signal }
  const end = await interleave(plan, async (item, round) => void records.push(await run(item, round)))
  if (records.length === 0) throw end.error
  return { records, ...end }
}

export interface MeasurePlan<Work> {
  readonly sampleNanoseconds: number
  readonly fewestRounds: number
  readonly random: Random
  readonly signal: AbortSignal
  /** Called after each round from the fewest on: returns why it is the last one; undefined if it is not. */
  endOf(series: readonly Series<Work>[], rounds: number): 'precision' | 'budget' | undefined
  say(line: string): void
}

export interface Measured<Work> {
  readonly series: readonly Series<Work>[]
  readonly rounds: number
  readonly unmeasured: readonly Unmeasured[]
  readonly endedBy: 'precision' | 'budget' | 'interruption'
}

/**
 * Measures all cases in interleaved rounds. An interrupted sample is kept, and repeated. A case that fails is left out from then
 * on. If the signal is aborted, the complete rounds are the result.
 *
 * @throws the signal's reason before the first round is complete
 */
export async function measureRounds<Work>(
  cases: readonly Case<Work>[],
  executor: Executor<Work>,
  plan: MeasurePlan<Work>,
): Promise<Measured<Work>> {
  const { signal, random, say, sampleNanoseconds } = plan
  const unmeasured: Unmeasured[] = []
  const series: Series<Work>[] = []
  /** The cases that have not failed, with the number of operations in a sample. */
  const running = new Map<Series<Work>, number>()
  const attempt = async (one: Series<Work>, work: () => Promise<void>): Promise<void> => {
    signal.throwIfAborted()
    try {
      await work()
    } catch (error) {
      signal.throwIfAborted()
      unmeasured.push({ id: keyOf(one.case), reason: (error as Error).message })
      running.delete(one)
    }
  }
  /** Returns how many operations a sample has. The number grows from one, which also warms the case up. */
  const calibrated = async (one: Case<Work>): Promise<number> => {
    let operations = 1
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      const sample = await executor.sample(one, operations, 0)
      if (sample.operations < operations) return sample.operations
      const wanted = sampleNanoseconds / Math.max(1 / operations, sample.wallNanoseconds)
      if (wanted <= operations * CLOSE_ENOUGH) return Math.max(1, Math.round(wanted))
      operations = Math.ceil(Math.min(operations * MAX_GROWTH, wanted))
    }
    return operations
  }
  /** Samples a case, again after an interruption. @returns the last sample */
  const sampleOnce = async (
    { case: one, samples }: Series<Work>,
    operations: number,
    round: number,
  ): Promise<Sample> => {
    for (let attempt = 1; ; attempt += 1) {
      // A warm-up as long as the sample itself: with a fifth of that, a send shows 3 % more than it costs (measured).
      const sample = await executor.sample(one, operations, operations)
      samples.push({ ...sample, round })
      if (isClean(sample) || attempt === REPETITIONS) return sample
    }
  }
  for (const [index, one] of cases.entries()) {
    say(`warming up, case ${index + 1} of ${cases.length}`)
    const made = { case: one, samples: [] }
    await attempt(made, async () => {
      running.set(made, await calibrated(one))
      series.push(made)
    })
  }
  let endedBy: Measured<Work>['endedBy'] = 'interruption'
  const isOver = (rounds: number): boolean => {
    if (rounds > 0) say(`round ${rounds}`)
    const end = rounds < plan.fewestRounds ? undefined : plan.endOf(series, rounds)
    endedBy = end ?? 'interruption'
    return end !== undefined
  }
  const itemsOf = (round: number) => [...running].filter(([{ case: one }]) => (round - 1) % (one.every ?? 1) === 0)
  const { rounds, error } = await interleave({ itemsOf, isOver, random, signal }, ([one, operations], round) =>
    attempt(one, async () => {
      const last = await sampleOnce(one, operations, round - 1)
      // The first samples ran code that was not compiled yet. A receive is limited by its buffer.
      if (round > RECALIBRATED_ROUNDS || last.operations < operations) return
      running.set(one, Math.max(1, Math.round(sampleNanoseconds / Math.max(1, last.nanoseconds))))
    }),
  )
  if (error !== undefined && (!signal.aborted || rounds === 0)) throw error
  for (const { case: one, samples } of series) {
    // Samples of an incomplete round do not count.
    while ((samples.at(-1)?.round ?? 0) >= rounds) samples.pop()
    if (samples.length > 0 && samples.every(({ shortMessages }) => shortMessages > 0)) {
      unmeasured.push({ id: keyOf(one), reason: 'messages were missing in every sample' })
    }
  }
  return { series, rounds, unmeasured, endedBy }
}

const REPETITIONS = 3
const RECALIBRATED_ROUNDS = 3
const MAX_ATTEMPTS = 16
const MAX_GROWTH = 16
const CLOSE_ENOUGH = 1.3

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
