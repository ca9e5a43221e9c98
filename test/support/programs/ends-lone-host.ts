/**
 * A process in which workers end, one at a time, and no other thread loads the library: Node unloads Koffi with the
 * last thread that uses it. Argument: a JSON list of Job. Prints a JobMessage per line.
 */
import { stat } from 'node:fs/promises'
import { endWorkers, type Job, runJobs } from './ends-jobs.js'

async function main(jobs: readonly Job[]): Promise<void> {
  await Promise.all(Array.from({ length: 8 }, () => stat('/')))
  await runJobs(
    jobs.map((job) => ({ ...job, atOnce: 1 })),
    endWorkers,
  )
}

void main(JSON.parse(process.argv[2]))
