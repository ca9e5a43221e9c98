import { Child, type ChildPlan } from '../children/child.js'
import { type Transpiled, transpile } from '../children/temporary.js'
import { Failure } from '../cli/run-command.js'
import type { Case, Executor } from './rounds.js'
import type { Answer, HeapGrowth, Hello, Order, Sample } from './sample.js'

interface PoolPlan<Work> {
  readonly program: string
  readonly isRealTime: boolean
  readonly cpu: number | undefined
  /** Returns how a case's worker is started, and where it sends to. */
  readonly placeOf: (one: Case<Work>) => Pick<ChildPlan, 'wrapper' | 'env' | 'nodeFlags'> & { readonly to: object }
  readonly signal: AbortSignal
}

/** Worker processes, one for each kind of work, which run for the whole measurement. Only one of them works at a time. */
export class WorkerPool<Work> implements Executor<Work>, AsyncDisposable {
  readonly hellos: Hello[] = []
  readonly #plan: PoolPlan<Work>
  readonly #program: Transpiled
  readonly #workers = new Map<string, Promise<Child>>()

  constructor(plan: PoolPlan<Work>) {
    this.#plan = plan
    this.#program = transpile(plan.program)
  }

  /** Starts the workers of these cases, two at a time. A worker that does not start is reported by its first sample. */
  async startAll(cases: readonly Case<Work>[]): Promise<void> {
    // Both lanes take from the same iterator.
    const waiting = new Map(cases.map((one) => [one.worker, one])).values()
    const lane = async () => {
      for (const one of waiting) {
        this.#plan.signal.throwIfAborted()
        await this.#worker(one).catch(() => {})
      }
    }
    await Promise.all([lane(), lane()])
    this.#plan.signal.throwIfAborted()
  }

  sample(one: Case<Work>, operations: number, warmOperations: number): Promise<Sample> {
    return this.#ask(one, { do: 'sample', work: one.work, operations, warmOperations })
  }

  heap(one: Case<Work>, operations: number): Promise<HeapGrowth> {
    return this.#ask(one, { do: 'heap', work: one.work, operations, warmOperations: 0 })
  }

  async pidOf(one: Case<Work>): Promise<number> {
    return (await this.#worker(one)).pid
  }

  /** Takes one sample in a new worker that runs under a tool, and waits for its end. */
  async sampleUnder(tool: readonly string[], one: Case<Work>, operations: number): Promise<void> {
    await using child = this.#start(one, tool)
    await child.next(this.#plan.signal)
    await child.ask(
      { do: 'sample', work: one.work, operations, warmOperations: 0 } satisfies Order<Work>,
      this.#plan.signal,
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const end = async (worker: Promise<Child>) => (await worker)[Symbol.asyncDispose]()
    await Promise.allSettled([...this.#workers.values()].map(end))
    this.#program[Symbol.dispose]()
  }

  async #ask<T>(one: Case<Work>, order: Order<Work>): Promise<T> {
    const worker = await this.#worker(one)
    const { found, unable } = (await worker.ask(order, this.#plan.signal)) as Answer<T>
    if (found === undefined) throw new Failure(unable ?? 'no answer')
    return found
  }

  #worker(one: Case<Work>): Promise<Child> {
    const open = async () => {
      const child = this.#start(one, [])
      try {
        this.hellos.push((await child.next(this.#plan.signal)) as Hello)
        return child
      } catch (error) {
        await child[Symbol.asyncDispose]()
        throw error
      }
    }
    const worker = this.#workers.get(one.worker) ?? open()
    worker.catch(() => {})
    this.#workers.set(one.worker, worker)
    return worker
  }

  #start(one: Case<Work>, tool: readonly string[]): Child {
    const { cpu, placeOf, isRealTime } = this.#plan
    const { wrapper = [], to, ...place } = placeOf(one)
    return new Child(`the worker ${one.worker}`, {
      ...place,
      program: this.#program,
      // A tool measures at ordinary priority.
      words: [isRealTime && tool.length === 0 ? 'real-time' : 'ordinary', JSON.stringify(to)],
      cpu,
      wrapper: [...wrapper, ...tool],
    })
  }
}
