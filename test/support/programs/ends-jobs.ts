import { differences, mappings, residentKb, resources } from './ends-resources.js'
import { endWorker, type WorkerCase } from './ends-starter.js'

/** One case, and the number of its repetitions. */
export interface Job extends WorkerCase {
  readonly times: number
  /** Number of workers that run at the same time. */
  readonly atOnce: number
}

/** Messages of a process, a line of JSON each: a case begins, some of its workers have ended, or all have. */
export type JobMessage =
  | { readonly type: 'begin'; readonly job: number }
  | { readonly type: 'progress'; readonly ended: number }
  | { readonly type: 'end'; readonly problems: Readonly<Record<string, number>>; readonly memory: MemorySamples }

/** Resident memory and number of mappings, sampled while the workers of one case ended: one entry per tenth. */
export interface MemorySamples {
  readonly ended: readonly number[]
  readonly residentKb: readonly number[]
  readonly mappings: readonly number[]
}

/** Starts workers at the same time, and waits for their ends. @returns the problems */
export type RunGroup = (job: Job, atMoments: readonly number[]) => Promise<string[]>

/** Runs jobs one after another, and compares the resources of the process before and after each. */
export async function runJobs(jobs: readonly Job[], runGroup: RunGroup): Promise<void> {
  await warmUp(runGroup)
  for (const [index, job] of jobs.entries()) {
    report({ type: 'begin', job: index })
    report(await runJob(job, runGroup))
  }
}

/** Ends workers, and does nothing else. */
export async function endWorkers(job: Job, atMoments: readonly number[], groupPort = 0): Promise<string[]> {
  return (await Promise.all(atMoments.map((atMoment) => endWorker(job, groupPort, atMoment)))).flat()
}

async function runJob(job: Job, runGroup: RunGroup): Promise<JobMessage> {
  const before = resources()
  const problems = new Map<string, number>()
  const add = (texts: readonly string[]) => {
    for (const text of texts) problems.set(text, (problems.get(text) ?? 0) + 1)
  }
  const memory = { ended: [] as number[], residentKb: [] as number[], mappings: [] as number[] }
  for (let ended = 0; ended < job.times && problems.size < MAX_PROBLEMS; ) {
    const count = Math.min(job.atOnce, job.times - ended)
    add(
      await runGroup(
        job,
        Array.from({ length: count }, (_, index) => 1 + ((ended + index) % MOMENTS)),
      ),
    )
    ended += count
    report({ type: 'progress', ended })
    if (ended * 10 >= (memory.ended.length + 1) * job.times) {
      memory.ended.push(ended)
      memory.residentKb.push(residentKb())
      memory.mappings.push(mappings())
    }
  }
  add(await differences(before))
  return { type: 'end', problems: Object.fromEntries(problems), memory }
}

/** Creates everything that a process creates once and keeps, by starting and ending a first worker. */
async function warmUp(runGroup: RunGroup): Promise<void> {
  const problems = await runGroup(
    { activity: 'node:dgram: idle socket', ending: 'natural end', times: 1, atOnce: 1 },
    [1],
  )
  if (problems.length > 0) throw new Error(`before the first case: ${problems.join('; ')}`)
  await new Promise((resolve) => setTimeout(resolve, 50))
}

function report(message: JobMessage): void {
  process.stdout.write(`${JSON.stringify(message)}\n`)
}

/** A case with this many different problems is stopped, because each may have taken a timeout. */
const MAX_PROBLEMS = 5

/** Workers end at their first moment, their second, and so on up to this one. */
const MOMENTS = 4
