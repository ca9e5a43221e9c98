import { type Child, type ChildPlan, startChild } from '../children/child.js'
import { transpile } from '../children/temporary.js'
import { Failure } from '../cli/run-command.js'
import type { Case } from './rounds.js'
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
export type WorkerPool<Work> = ReturnType<typeof openPool<Work>>

export function openPool<Work>({ program: path, isRealTime, cpu, placeOf, signal }: PoolPlan<Work>) {
  const hellos: Hello[] = []
  const program = transpile(path)
  const workers = new Map<string, Promise<Child>>()
  const start = (one: Case<Work>, tool: readonly string[]): Child => {
    const { wrapper = [], to, ...place } = placeOf(one)
    // A tool measures at ordinary priority.
    const words = [isRealTime && tool.length === 0 ? 'real-time' : 'ordinary', JSON.stringify(to)]
    return startChild(`the worker ${one.worker}`, { ...place, program, words, cpu, wrapper: [...wrapper, ...tool] })
  }
  const open = async (one: Case<Work>): Promise<Child> => {
    const child = start(one, [])
    try {
      hellos.push((await child.next(signal)) as Hello)
      return child
    } catch (error) {
      await child[Symbol.asyncDispose]()
      throw error
    }
  }
  const workerOf = (one: Case<Work>): Promise<Child> => {
    const worker = workers.get(one.worker) ?? open(one)
    worker.catch(() => {})
    workers.set(one.worker, worker)
    return worker
  }
  const ask = async <T>(one: Case<Work>, order: Omit<Order<Work>, 'work'>): Promise<T> => {
    const worker = await workerOf(one)
    const { found, unable } = (await worker.ask({ ...order, work: one.work }, signal)) as Answer<T>
    if (found === undefined) throw new Failure(unable ?? 'no answer')
    return found
  }
  return {
    hellos,
    /** Starts the workers of these cases, two at a time. A worker that does not start is reported by its first sample. */
    async startAll(cases: readonly Case<Work>[]): Promise<void> {
      // Both lanes take from the same iterator.
      const waiting = new Map(cases.map((one) => [one.worker, one])).values()
      const lane = async () => {
        for (const one of waiting) {
          signal.throwIfAborted()
          await workerOf(one).catch(() => {})
        }
      }
      await Promise.all([lane(), lane()])
      signal.throwIfAborted()
    },
    sample: (one: Case<Work>, operations: number, warmOperations: number): Promise<Sample> =>
      ask(one, { do: 'sample', operations, warmOperations }),
    heap: (one: Case<Work>, operations: number): Promise<HeapGrowth> =>
      ask(one, { do: 'heap', operations, warmOperations: 0 }),
    pidOf: async (one: Case<Work>): Promise<number> => (await workerOf(one)).pid,
    /** Takes one sample in a new worker that runs under a tool, and waits for its end. */
    async sampleUnder(tool: readonly string[], one: Case<Work>, operations: number): Promise<void> {
      await using child = start(one, tool)
      await child.next(signal)
      await child.ask({ do: 'sample', work: one.work, operations, warmOperations: 0 } satisfies Order<Work>, signal)
    },
    async [Symbol.asyncDispose](): Promise<void> {
      const end = async (worker: Promise<Child>) => (await worker)[Symbol.asyncDispose]()
      await Promise.allSettled([...workers.values()].map(end))
      program[Symbol.dispose]()
    },
  }
}
