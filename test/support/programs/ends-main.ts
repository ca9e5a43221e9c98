/**
 * A process whose main thread runs one activity and ends in one way. Argument: a JSON MainCase. Prints `started` when
 * the activity has started.
 */
import { once } from 'node:events'
import { writeSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { activities } from './ends-activities.js'
import { type MainEnding, mainEndings } from './ends-endings.js'
import type { EndsWorkerData } from './ends-worker.js'

/** What the main thread does, how it ends, and at which of its moments. */
export interface MainCase {
  readonly activity: string
  readonly ending: string
  readonly slowPeer?: string | undefined
  readonly atMoment: number
}

async function main(data: MainCase): Promise<void> {
  const ending = mainEndings[data.ending]
  if (ending.workers !== undefined) await startWorkers(data, ending.workers)
  ending.prepare?.()
  let moments = 0
  let hasStarted = false
  const started = () => {
    if (!hasStarted) writeSync(1, 'started\n')
    hasStarted = true
  }
  activities[data.activity]({
    ...sceneOf(data),
    mode: ending.mode,
    started,
    moment: () => {
      started()
      moments += 1
      if (moments === data.atMoment) ending.inside?.()
    },
  })
}

/** Starts workers that run the same activity until the process ends. */
async function startWorkers(
  data: MainCase,
  { count, isReferenced }: NonNullable<MainEnding['workers']>,
): Promise<void> {
  const workerData: EndsWorkerData = { ...sceneOf(data), ending: 'terminate under traffic', atMoment: 1 }
  const workers = Array.from({ length: count }, () => new Worker(require.resolve('./ends-worker.js'), { workerData }))
  await Promise.all(workers.map(started))
  if (!isReferenced) for (const worker of workers) worker.unref()
}

async function started(worker: Worker): Promise<void> {
  for (let text = ''; text !== 'started'; ) [text] = await once(worker, 'message')
}

// A group per socket, because the distribution within a group does not matter here.
function sceneOf({ activity, slowPeer }: MainCase) {
  return { activity, slowPeer, groupPort: 0 }
}

void main(JSON.parse(process.argv[2]))
