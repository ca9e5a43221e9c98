import type { Job, JobMessage, MemorySamples } from '../support/programs/ends-jobs.js'
import type { Case } from './cases.js'
import { describeEnd, launch } from './launch.js'
import { memoryGrowth } from './memory.js'
import { Problems, type Result } from './result.js'
import type { Setting } from './setting.js'

/**
 * Ends workers: all cases in one process, as long as that process lives. If it dies, the case that ran has a problem,
 * and another process continues.
 */
export async function runWorkers(cases: readonly Case[], setting: Setting): Promise<Result[]> {
  const tallies = cases.map((one) => new CaseTally(one, setting.times.worker))
  for (;;) {
    const due = tallies.filter((tally) => !tally.isDone)
    if (due.length === 0) return tallies.map((tally) => tally.result)
    await runProcess(due, setting)
  }
}

async function runProcess(tallies: readonly CaseTally[], setting: Setting): Promise<void> {
  const { node, atOnce, slowNetwork } = setting
  const network = tallies[0].case.needsSlowDevice && typeof slowNetwork !== 'string' ? slowNetwork : undefined
  const jobs = tallies.map((tally): Job => {
    const { activity, ending } = tally.case
    return { activity, ending, slowPeer: network?.peer, times: tally.remaining, atOnce }
  })
  let current = tallies[0]
  const onLine = (line: string) => {
    const message: JobMessage = JSON.parse(line)
    if (message.type === 'begin') current = tallies[message.job]
    else if (message.type === 'progress') current.noteProgress(message.ended)
    else current.noteEnd(message.problems, message.memory)
  }
  const program = tallies[0].case.thread === 'worker' ? 'ends-host' : 'ends-lone-host'
  const end = await launch(program, { node, argument: jobs, ...network, silenceMs: SILENCE_MS, onLine })
  if (end.code !== 0) current.noteDeath(describeEnd(end), atOnce)
  else if (!current.isDone) current.noteDeath('the process ended early, with exit code 0', atOnce)
}

/** Result of one case so far, over all processes it ran in. */
class CaseTally {
  readonly case: Case
  readonly #times: number
  readonly #problems = new Problems()
  #memory: MemorySamples | undefined
  #endedBefore = 0
  #ended = 0
  #deaths = 0
  isDone = false

  constructor(one: Case, times: number) {
    this.case = one
    this.#times = times
  }

  get remaining(): number {
    return this.#times - this.#ended
  }

  noteProgress(ended: number): void {
    this.#ended = this.#endedBefore + ended
  }

  noteEnd(problems: Readonly<Record<string, number>>, memory: MemorySamples): void {
    for (const [text, count] of Object.entries(problems)) this.#problems.add(text, count)
    for (const text of memoryGrowth(memory)) this.#problems.add(text)
    this.#memory = memory
    this.isDone = true
  }

  noteDeath(text: string, atOnce: number): void {
    this.#problems.add(text)
    this.#deaths += 1
    // Workers that ran when the process died have ended too.
    this.#ended = Math.min(this.#times, this.#ended + atOnce)
    this.#endedBefore = this.#ended
    if (this.#deaths === MAX_DEATHS || this.remaining === 0) this.isDone = true
  }

  get result(): Result {
    return {
      case: this.case,
      times: this.#ended,
      problems: this.#problems.toRecord(),
      ...(this.#memory && { memory: this.#memory }),
    }
  }
}

/** Number of processes that may die before a case is stopped. */
const MAX_DEATHS = 3

/** Longer than any time limit within the process. */
const SILENCE_MS = 180_000
