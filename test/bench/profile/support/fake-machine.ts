import type { Executor } from '../../../../bench/engine/rounds.js'
import type { Sample } from '../../../../bench/engine/sample.js'
import type { ProfileCase, Work } from '../../../../bench/profile/cases/cases.js'
import { type Random, seededRandom } from '../../../../bench/stats/random.js'

/** The true costs of a simulated machine, in nanoseconds. */
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
 * A simulated machine with known costs, and with the disturbances of real ones: a slow drift, a few percent of noise, and an
 * interruption now and then. Its clock advances only with the samples.
 */
export class FakeMachine implements Executor<Work> {
  nowMs = 0
  samples = 0
  readonly #random: Random
  readonly #noise: number
  readonly #phase: number
  readonly #unable: (one: ProfileCase) => string | undefined
  readonly #free: readonly (keyof typeof TRUTH)[]
  readonly #injected: InjectedCost | undefined

  constructor(seed: number, options: FakeOptions = {}) {
    this.#random = seededRandom(seed)
    this.#noise = options.noise ?? 0.02
    this.#phase = this.#random() * 6
    this.#unable = options.unable ?? (() => undefined)
    this.#free = options.free ?? []
    this.#injected = options.injected
  }

  async sample(one: ProfileCase, operations: number, warmOperations: number): Promise<Sample> {
    const reason = this.#unable(one)
    if (reason !== undefined) throw new Error(reason)
    const cost = costOf(one.work, this.#free, this.#injected)
    const drift = 1 + 0.015 * Math.sin(this.nowMs / 200 + this.#phase)
    const isInterrupted = this.#random() < 0.03
    const nanoseconds = operations * cost * drift * (1 + this.#noise * normal(this.#random)) + 40
    const elsewhere = isInterrupted ? 2e6 * this.#random() : 0
    this.nowMs += (nanoseconds + elsewhere + warmOperations * cost) / 1e6
    this.samples += 1
    const [wallNanoseconds, runningNanoseconds] = [(nanoseconds + elsewhere) / operations, nanoseconds / operations]
    return {
      operations,
      nanoseconds: isInterrupted ? runningNanoseconds : wallNanoseconds,
      wallNanoseconds,
      runningNanoseconds,
      interrupted: isInterrupted,
      userMicroseconds: 0,
      systemMicroseconds: nanoseconds / 1000,
      collections: 0,
      collectionNanoseconds: 0,
      shortMessages: 0,
    }
  }
}

/** Cost that a test adds, to check that the profile finds it. */
export interface InjectedCost {
  readonly messageNanoseconds: number
  readonly callNanoseconds: number
}

/** How a simulated machine differs from the usual one. */
interface FakeOptions {
  readonly noise?: number
  /** Returns why a case fails; undefined if it does not. */
  readonly unable?: (one: ProfileCase) => string | undefined
  /** Components that cost nothing. */
  readonly free?: readonly (keyof typeof TRUTH)[]
  readonly injected?: InjectedCost | undefined
}

/** Returns the true cost of one operation of a case. */
function costOf(work: Work, free: readonly string[], added: InjectedCost | undefined): number {
  const t = Object.fromEntries(
    Object.entries(TRUTH).map(([name, cost]) => [name, free.includes(name) ? 0 : cost]),
  ) as Record<keyof typeof TRUTH, number>
  switch (work.kind) {
    case 'loop':
      return t.loop * work.batch
    case 'crossing':
      return work.by === 'javascript' ? 2 : t.crossing + 2
    case 'encode':
      return work.batch * ((work.encoder === 'library' ? t.marshalling : 1000) + (work.withCall ? 1500 : 0))
    case 'gso':
      return t.entry + t.device + t.segment * work.segments
    case 'call': {
      const { batch, repeat, sizeBytes } = work
      const isSend = work.mode === 'sendmsg' || work.mode === 'sendmmsg'
      const depth = ['none', 'pretend', 'crossing', 'entry', 'probe', 'kernel', 'library'].indexOf(work.depth)
      const perCall = [0, t.bookkeeping, t.crossing, t.entry].slice(0, Math.min(depth, 3) + 1)
      const probe = isSend ? t.import + (work.connected ? 0 : t.route) : 0
      const payload = (sizeBytes > 0 ? t.payload : 0) + t.copyPerByte * sizeBytes
      const whole = probe + (isSend ? t.device : t.dequeue) + payload
      const perMessage = t.loop + t.marshalling + (depth >= 5 ? whole : depth === 4 ? probe : 0)
      const injected = isSend && added !== undefined ? added.messageNanoseconds * batch + added.callNanoseconds : 0
      return repeat * (perCall.reduce((sum, one) => sum + one, 0) + batch * perMessage + injected)
    }
  }
}

/** A normal number (Box and Muller). */
function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}
