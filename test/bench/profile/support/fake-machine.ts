import type { Case } from '../../../../bench/profile/plan/case.js'
import type { Block } from '../../../../bench/profile/process/block.js'
import type { HeapGrowth } from '../../../../bench/profile/process/heap.js'
import type { Executor } from '../../../../bench/profile/schedule/executor.js'
import { messagesOf, type Work } from '../../../../bench/profile/work/work.js'
import { type Random, seededRandom } from '../../../../bench/workload/random.js'

/** What things cost on a machine that does not exist, in nanoseconds. */
export const TRUTH = {
  loop: 1,
  marshalling: 6,
  bookkeeping: 30,
  crossing: 50,
  entry: 250,
  import: 300,
  route: 180,
  device: 1000,
  payload: 150,
  copyPerByte: 0.05,
  dequeue: 500,
  segment: 60,
} as const

/**
 * A machine with a clock and a kernel of its own: it knows what everything costs, and adds what real machines add: a
 * slow drift, a few percent of noise, and now and then an interruption. Time passes only as blocks are done.
 */
export class FakeMachine implements Executor {
  nowMs = 0
  blocks = 0
  readonly #random: Random
  readonly #noise: number
  readonly #phase: number
  readonly #unable: (one: Case) => string | undefined

  constructor(seed: number, options: { noise?: number; unable?: (one: Case) => string | undefined } = {}) {
    this.#random = seededRandom(seed)
    this.#noise = options.noise ?? 0.02
    this.#phase = this.#random() * 6
    this.#unable = options.unable ?? (() => undefined)
  }

  async prepare(one: Case): Promise<string | undefined> {
    return this.#unable(one)
  }

  async block(one: Case, operations: number, warmOperations: number): Promise<Block> {
    const cost = costOf(one.work)
    const drift = 1 + 0.015 * Math.sin(this.nowMs / 200 + this.#phase)
    const isInterrupted = this.#random() < 0.03
    const nanoseconds = operations * cost * drift * (1 + this.#noise * normal(this.#random)) + 40
    const elsewhere = isInterrupted ? 2e6 * this.#random() : 0
    this.nowMs += (nanoseconds + elsewhere + warmOperations * cost) / 1e6
    this.blocks += 1
    return {
      operations,
      nanoseconds: nanoseconds + elsewhere,
      runningNanoseconds: nanoseconds,
      userMicroseconds: 0,
      systemMicroseconds: nanoseconds / 1000,
      interruptions: isInterrupted ? 1 : 0,
      collections: 0,
      collectionNanoseconds: 0,
      shortMessages: 0,
    }
  }

  async heap(): Promise<HeapGrowth> {
    return { heapBytes: 0, externalBytes: 0 }
  }
}

/** What one operation of a case really costs. */
export function costOf(work: Work): number {
  const t = TRUTH
  switch (work.kind) {
    case 'loop':
      return t.loop * messagesOf(work)
    case 'crossing':
      return work.by === 'javascript' ? 2 : t.crossing + 2
    case 'strategy':
      return work.batch * ((work.strategy === 'library' ? t.marshalling : 1000) + (work.withCall ? 1500 : 0))
    case 'train':
      return t.entry + t.device + t.segment * work.segments
    case 'send': {
      const messages = work.batch
      const user = messages * (t.loop + t.marshalling)
      const planted = work.planted ? work.planted.messageNanoseconds * messages + work.planted.callNanoseconds : 0
      const depth = ['none', 'pretend', 'crossing', 'entry', 'probe', 'kernel'].indexOf(
        work.call === 'library' ? 'kernel' : work.call === 'closed' ? 'entry' : work.call,
      )
      const perCall = [0, t.bookkeeping, t.crossing, t.entry].slice(0, Math.min(depth, 3) + 1)
      const probe = t.import + (work.connected ? 0 : t.route)
      const send = t.device + (work.sizeBytes > 0 ? t.payload : 0) + t.copyPerByte * work.sizeBytes
      const perMessage = depth >= 5 ? probe + send : depth === 4 ? probe : 0
      return work.repeat * (user + perCall.reduce((sum, one) => sum + one, 0) + messages * perMessage + planted)
    }
    case 'receive': {
      const depth = ['none', 'pretend', 'crossing', 'entry', 'kernel'].indexOf(
        work.call === 'library' ? 'kernel' : work.call,
      )
      const perCall = [0, t.bookkeeping, t.crossing, t.entry].slice(0, Math.min(depth, 3) + 1)
      const payload = (work.sizeBytes > 0 ? t.payload : 0) + t.copyPerByte * work.sizeBytes
      const perMessage = t.loop + t.marshalling + (depth === 4 ? t.dequeue + payload : 0)
      return work.repeat * (perCall.reduce((sum, one) => sum + one, 0) + work.batch * perMessage)
    }
  }
}

/** A normal number (Box and Muller). */
function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}
