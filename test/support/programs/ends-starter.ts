import { Worker } from 'node:worker_threads'
import { isExpected, PLANNED, type WorkerEnd, workerEndings } from './ends-endings.js'
import type { EndsWorkerData } from './ends-worker.js'

/** Activity and ending of a worker. */
export interface WorkerCase {
  readonly activity: string
  readonly ending: string
  /** Address behind a device that sends 1 kB per second, for activities that require one. */
  readonly slowPeer?: string | undefined
}

/** Starts a worker and ends it. @returns differences from the specified ending */
export async function endWorker(work: WorkerCase, groupPort: number, atMoment: number): Promise<string[]> {
  const ending = workerEndings[work.ending]
  const { activity, slowPeer } = work
  const data: EndsWorkerData = { activity, ending: work.ending, slowPeer, groupPort, atMoment }
  const worker = new Worker(require.resolve('./ends-worker.js'), {
    workerData: data,
    ...(ending.outOfMemory ? { resourceLimits: { maxOldGenerationSizeMb: 24 } } : {}),
  })
  let loadingAt = 0
  const terminateIn = (milliseconds: number) => void setTimeout(() => worker.terminate(), milliseconds)
  worker.on('message', (text) => {
    if (text === 'loading') loadingAt = performance.now()
    if (text === 'started') loadingMs = (3 * loadingMs + performance.now() - loadingAt) / 4
    if (text === 'loading' && ending.terminate === 'while it loads') terminateIn(Math.random() * loadingMs)
    if (text === 'started' && ending.terminate === 'after it started') terminateIn(Math.random() * RUNNING_MS)
    if (text === 'busy' && ending.terminate === 'when it is busy') void worker.terminate()
  })
  const end = await endOf(worker)
  if (end === undefined) return [`the worker did not end within ${LIMIT_MS / 1000} s`]
  if (isExpected(end, ending)) return []
  return [`the worker ended with ${JSON.stringify(end)} instead of ${JSON.stringify(ending.expected)}`]
}

/** Resolves with undefined if the worker has not ended at the timeout. */
function endOf(worker: Worker): Promise<WorkerEnd | undefined> {
  return new Promise((resolve) => {
    let failure: { error: string } | undefined
    const timer = setTimeout(() => {
      resolve(undefined)
      void worker.terminate()
    }, LIMIT_MS)
    worker.on('error', (error: NodeJS.ErrnoException) => {
      failure = { error: error.message === PLANNED ? PLANNED : (error.code ?? error.message) }
    })
    worker.on('exit', (code) => {
      clearTimeout(timer)
      resolve({ code, ...failure })
    })
  })
}

/** Time in ms that the workers of this process take to load the library and to start: a moving average. */
let loadingMs = 100

const RUNNING_MS = 10

/** Much longer than any end takes, also on a busy machine. */
const LIMIT_MS = 60_000
