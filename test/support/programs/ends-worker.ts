/** Runs one activity in a worker thread, which ends in one way. */
import { parentPort, Worker, workerData } from 'node:worker_threads'
import { type WorkerEnding, workerEndings } from './ends-endings.js'

/** Start parameters of such a worker. */
export interface EndsWorkerData {
  readonly activity: string
  readonly ending: string
  readonly groupPort: number
  readonly slowPeer: string | undefined
  /** Number of the moment at which it ends, from 1. */
  readonly atMoment: number
  /** True in the worker of a worker. */
  readonly isInner?: boolean
}

function main(data: EndsWorkerData): void {
  const ending = workerEndings[data.ending]
  if (ending.nested !== undefined && !data.isInner) startInner(data, ending)
  else act(data, ending)
}

function act(data: EndsWorkerData, ending: WorkerEnding): void {
  const report = (text: string) => parentPort?.postMessage(text)
  report('loading')
  const { activities } = require('./ends-activities.js') as typeof import('./ends-activities.js')
  let moments = 0
  let hasStarted = false
  const started = () => {
    if (!hasStarted) report('started')
    hasStarted = true
  }
  ending.prepare?.()
  activities[data.activity]({
    ...data,
    mode: ending.mode,
    started,
    moment: () => {
      started()
      moments += 1
      if (moments === data.atMoment) ending.inside?.(report)
    },
  })
}

function startInner(data: EndsWorkerData, ending: WorkerEnding): void {
  const inner = new Worker(__filename, { workerData: { ...data, isInner: true } })
  inner.on('error', (error) => {
    throw error
  })
  inner.on('message', (text) => {
    if (text !== 'started') return
    if (ending.nested === 'terminate') parentPort?.postMessage('started')
    else setTimeout(() => process.exit(ending.expected.code), Math.random() * 10)
  })
}

main(workerData)
