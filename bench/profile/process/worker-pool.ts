import { Failure } from '../../failure.js'
import type { Place, Places } from '../places/place.js'
import type { Case } from '../plan/case.js'
import type { Executor } from '../schedule/executor.js'
import type { Block } from './block.js'
import { type Built, build } from './build.js'
import type { HeapGrowth } from './heap.js'
import type { Answer, Order } from './orders.js'
import { type Hello, type WorkerPlan, WorkerProcess } from './worker-process.js'

/** Worker processes, one for each kind of work, kept warm for the whole run. Only one of them works at a time. */
export class WorkerPool implements Executor, AsyncDisposable {
  readonly hellos: Hello[] = []
  readonly #built: Built
  readonly #places: Places
  readonly #pin: readonly string[]
  readonly #isRealTime: boolean
  readonly #workers = new Map<string, Promise<WorkerProcess>>()

  constructor(places: Places, entry: string, { processor, isRealTime }: PoolOptions) {
    this.#places = places
    this.#pin = processor === undefined ? [] : ['taskset', '-c', String(processor)]
    this.#isRealTime = isRealTime
    this.#built = build(entry)
  }

  get size(): number {
    return this.#workers.size
  }

  /** Starts the workers of all these cases, some at a time. */
  async startAll(cases: readonly Case[], signal: AbortSignal): Promise<void> {
    const waiting = [...new Map(cases.map((one) => [one.worker, one])).values()]
    const lane = async () => {
      for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) {
        signal.throwIfAborted()
        await this.#worker(one).catch(() => {})
      }
    }
    await Promise.all(Array.from({ length: LANES }, lane))
  }

  async prepare(one: Case): Promise<string | undefined> {
    try {
      const answer = await this.#ask(one, { do: 'block', work: one.work, operations: 1, warmOperations: 0 })
      return 'unable' in answer ? answer.unable : undefined
    } catch (error) {
      return (error as Error).message
    }
  }

  async block(one: Case, operations: number, warmOperations: number): Promise<Block> {
    const answer = await this.#ask(one, { do: 'block', work: one.work, operations, warmOperations })
    if ('block' in answer) return answer.block
    throw new Failure(`${one.id}: ${'unable' in answer ? answer.unable : 'no answer'}`)
  }

  async heap(one: Case, operations: number): Promise<HeapGrowth> {
    const answer = await this.#ask(one, { do: 'heap', work: one.work, operations })
    if ('heap' in answer) return answer.heap
    throw new Failure(`${one.id}: ${'unable' in answer ? answer.unable : 'no answer'}`)
  }

  /** The worker's process id, for tools that look at it from outside. */
  async pidOf(one: Case): Promise<number> {
    return (await this.#worker(one)).pid
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const workers = await Promise.allSettled(this.#workers.values())
    await Promise.all(workers.map((one) => (one.status === 'fulfilled' ? one.value.stop() : undefined)))
    this.#built.remove()
  }

  async #ask(one: Case, order: Order): Promise<Answer> {
    return (await this.#worker(one)).ask(order)
  }

  #worker(one: Case): Promise<WorkerProcess> {
    let worker = this.#workers.get(one.worker)
    if (worker === undefined) {
      worker = this.#start(one)
      worker.catch(() => {})
      this.#workers.set(one.worker, worker)
    }
    return worker
  }

  /** What a worker of this case is started with, for tools that start one of their own. */
  planOf(one: Case): WorkerPlan {
    const { wrapper, env, to } = this.#placeOf(one)
    return {
      built: this.#built,
      wrapper: [...this.#pin, ...wrapper],
      env,
      nodeFlags: one.nodeFlags ?? [],
      to,
      isRealTime: this.#isRealTime,
    }
  }

  #placeOf(one: Case): Place {
    if (one.place === 'main') return this.#places.main
    if (this.#places.cutting === undefined) throw new Failure(`${one.id} has no place to send to`)
    return this.#places.cutting
  }

  async #start(one: Case): Promise<WorkerProcess> {
    const { worker, hello } = await WorkerProcess.start(one.worker, this.planOf(one))
    this.hellos.push(hello)
    return worker
  }
}

/** How workers are run. */
export interface PoolOptions {
  /** Keep all workers on this processor. */
  readonly processor?: number | undefined
  readonly isRealTime: boolean
}

const LANES = 2
