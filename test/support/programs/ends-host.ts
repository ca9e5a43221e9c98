/**
 * A process in which workers end, several at a time, while other sockets of the main thread and of another worker
 * exchange datagrams. Argument: a JSON list of Job. Prints a JobMessage per line.
 */
import { stat } from 'node:fs/promises'
import { Exchange } from './ends-exchange.js'
import { Group } from './ends-group.js'
import { endWorkers, type Job, runJobs } from './ends-jobs.js'

async function main(jobs: readonly Job[]): Promise<void> {
  // Starts libuv's threads, which the process then keeps.
  await Promise.all(Array.from({ length: 8 }, () => stat('/')))
  const broken: string[] = []
  const exchange = await Exchange.open((text) => broken.push(text))
  const group = new Group()

  await runJobs(jobs, async (job, atMoments) => {
    const problems: string[] = []
    let isOver = false
    const ending = endWorkers(job, atMoments, group.port).then((found) => {
      problems.push(...found)
      isOver = true
    })
    while (!isOver && problems.length === 0) {
      problems.push(...(await exchange.round()))
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
    }
    await ending
    problems.push(...(await exchange.round()))
    if (job.activity.includes('reusePort')) problems.push(...(await group.check()))
    return [...problems, ...broken.splice(0)]
  })

  await exchange.close()
  group.close()
}

/** Pause between two rounds of the exchange, so that most of the CPU time is left to the workers. */
const PAUSE_MS = 15

void main(JSON.parse(process.argv[2]))
